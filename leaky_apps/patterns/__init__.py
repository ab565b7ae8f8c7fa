"""An order processor as small Python services are written, with the six memory patterns that such services fall for.

Each pattern stands beside its cure: the leak's switch decides which of the two runs. It imports nothing from `harness`.
Start it with `python -m leaky_apps.patterns --port 8000`.
"""
