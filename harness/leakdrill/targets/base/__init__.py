"""What every kind of target stands on."""
