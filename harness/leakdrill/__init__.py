"""Leakdrill: fire drills for resource leaks."""

__version__ = "0.1.0"
