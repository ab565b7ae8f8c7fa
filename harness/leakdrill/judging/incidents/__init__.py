"""Incidents: what a stored run holds for the documents that runbooks ask for."""
