"""Serves the index and the pages of stored runs on loopback, for reading alone."""
