"""The code that the sample services share: admin endpoints, settings, metrics, memory, and serving.

Nothing of `harness` is imported here: what measures a service must not be inside it.
"""
