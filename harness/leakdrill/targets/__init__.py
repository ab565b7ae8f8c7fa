"""What runs and is measured: a process, a container, a compose service, a Kubernetes workload."""
