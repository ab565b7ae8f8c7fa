"""The record of a run: its events, its journal, its verdicts, and the folder they lie in."""
