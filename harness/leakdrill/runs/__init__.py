"""Everything that runs: a drill, the gate, a watched command, many drills at once."""
