"""Judges a stored run. Pure: a history in, verdicts out; nothing here touches the world."""
