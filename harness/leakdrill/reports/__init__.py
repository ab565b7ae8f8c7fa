"""Renderings of a run. They judge nothing."""
