"""Several processes, or several containers, as one target."""
