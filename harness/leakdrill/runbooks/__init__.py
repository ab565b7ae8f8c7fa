"""Runbooks: Markdown files full of commands, read as they are. Nothing here runs a command."""

from leakdrill.runbooks.read import read_runbook

__all__ = ["read_runbook"]
