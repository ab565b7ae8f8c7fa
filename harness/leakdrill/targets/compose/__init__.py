"""A service of a compose file as the target."""
