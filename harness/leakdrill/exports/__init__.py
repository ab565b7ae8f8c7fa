"""A stored run told to systems that others run: annotations in Grafana, a trace over OTLP."""
