"""Runs inside the target, in any Python from 3.9 on: imports nothing but the standard library."""
