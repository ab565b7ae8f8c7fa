"""The runner's leaks, one a file, and the healthy twin of each."""
