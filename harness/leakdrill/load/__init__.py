"""Locust as a subprocess, and the counts of its requests."""
