"""A command on this machine as the target."""
