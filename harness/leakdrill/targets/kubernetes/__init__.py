"""A Kubernetes workload as the target."""
