"""Any command under watch: its process tree, read ten times a second."""
