"""The staging stack of docker-compose.yml: what configures it, what exports its numbers, and what brings it up."""
