"""An index of many runs: the last of each scenario, and how its numbers went from run to run."""
