"""The memory gate, live: one build under controlled load, or two in turn."""
