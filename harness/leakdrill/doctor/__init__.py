"""Examines this machine, its GPUs and its clusters for what a drill could use."""
