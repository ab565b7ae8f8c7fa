"""A locustfile that cannot be loaded."""

raise RuntimeError("this locustfile is broken")
