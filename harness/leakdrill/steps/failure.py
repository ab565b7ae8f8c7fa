"""The error of a step that was not carried out."""

from __future__ import annotations


class StepFailed(Exception):  # noqa: N818 - an outcome that the record holds, not a mistake of the harness
    """The step did not do what it should: what was seen, what was expected. The drill goes on and judges it."""
