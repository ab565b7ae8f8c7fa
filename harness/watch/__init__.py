"""Any command under watch: the memory of its whole process tree against a budget and a baseline."""
