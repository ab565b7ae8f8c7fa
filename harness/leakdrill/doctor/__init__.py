"""What this machine, its cards and its clusters allow a drill to do, found by trying."""
