"""Locust's own log has an end, whatever the tasks of a load raise."""

from __future__ import annotations

import logging

from leakdrill.load.in_locust.bounded_log import BoundedLog


def test_a_log_ends_with_a_line_that_says_so():
    written: list[str] = []
    log = logging.getLogger("bounded")
    log.propagate = False
    handler = logging.Handler()
    handler.emit = lambda record: written.append(record.getMessage())
    handler.addFilter(BoundedLog(1000))
    log.addHandler(handler)
    for number in range(5000):
        log.error("%s: %s", number, "x" * 100)
    assert len(written) == 6
    assert written[0].startswith("0: x")
    assert written[-1] == "the log ends here: more than 1000 characters are not kept"
