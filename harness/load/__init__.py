"""Locust as a subprocess, and the listener that streams its statistics."""
