"""A podcast pipeline as such services are written: transcripts in, a knowledge graph out, two caches in between.

Its second cache is a real Redis, so that a drill can clear the wrong one. It leaks on purpose, and only when told to.
Start it with `python -m leaky_apps.pipeline --port 8000`.
"""
