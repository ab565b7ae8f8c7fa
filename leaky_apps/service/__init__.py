"""What the sample services share: an admin face, settings, metrics, what memory they hold, and how they are served.

Nothing of `harness` is imported here: what measures a service must not be inside it.
"""
