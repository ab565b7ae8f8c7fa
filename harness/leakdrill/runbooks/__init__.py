"""Runbooks: Markdown files full of commands, read as they are. Nothing here runs a command."""
