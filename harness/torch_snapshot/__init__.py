"""PyTorch's memory snapshot: fetched from a service, kept when a drill fails, and reduced to who holds most."""
