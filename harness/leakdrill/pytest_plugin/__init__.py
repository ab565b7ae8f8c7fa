"""Whether a function leaks that is called many times in a test: the `leak_gate` fixture and what it stands on."""
