"""Recordings as people have them: what other tools wrote, read into series of memory and of requests."""
