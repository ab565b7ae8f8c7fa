"""The cure matrix: every leak of a service against every step, each cell a short drill of its own."""
