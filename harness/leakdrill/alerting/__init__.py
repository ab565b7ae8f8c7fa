"""A real Prometheus and Alertmanager, the exporter they scrape, and the rules they evaluate."""
