"""What alerting rules would have said in the past: of stored runs, recordings, and what a Prometheus remembers."""
