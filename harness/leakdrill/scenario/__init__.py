"""The plan of one drill as frozen data, and how it is read from YAML."""
