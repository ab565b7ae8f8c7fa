"""The claims about a drill, one subject a file: pure functions from a history to a verdict."""
