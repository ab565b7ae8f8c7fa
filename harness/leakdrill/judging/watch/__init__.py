"""The claims about a watched command: its budget, its baseline, and whose its memory was. Pure."""
