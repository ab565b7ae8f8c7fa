"""Runbook actions. One action a file; each changes a target and carries its undo as data."""
