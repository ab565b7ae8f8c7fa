"""A service that runs already on this machine, and is left as it was."""
