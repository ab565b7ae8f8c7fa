"""A runner of builds: each build is a process of its own, which needs as much memory as its mode says."""
