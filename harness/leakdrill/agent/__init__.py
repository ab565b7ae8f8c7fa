"""A small agent inside Python targets: it collects, trims and counts when the harness asks, and sleeps otherwise."""
