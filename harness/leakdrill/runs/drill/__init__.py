"""One drill: what it starts, its phases in order, and its way back."""
