"""An inference gateway as small services are written: a model, a response cache, a request log, admin endpoints.

It leaks on purpose, and only when told to. It imports nothing from `harness`: what measures it must not be inside it.
Start it with `python -m leaky_apps.gateway --port 8000`.
"""
