"""What runs and is measured. `target.py` says what every target can do; one file a kind."""
