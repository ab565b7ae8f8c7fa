"""A Kubernetes cluster as a drill needs it: its API as plain data, pods, port-forward, and the way back."""
