"""A container as the target."""
