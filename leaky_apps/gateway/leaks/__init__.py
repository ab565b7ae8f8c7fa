"""The gateway's leaks, one a file, and the healthy twin of each."""
