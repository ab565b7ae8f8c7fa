"""A small agent inside Python targets: it collects, trims and counts on request, and sleeps otherwise."""
