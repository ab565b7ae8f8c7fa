"""Many drills with one command, and the matrix of leaks against steps."""
