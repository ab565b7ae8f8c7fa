"""The pipeline's leaks, one a file, and the healthy twin of each."""
