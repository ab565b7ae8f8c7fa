"""What each alert can see: made leaks and healthy courses, played to its rule by Prometheus' own engine."""
