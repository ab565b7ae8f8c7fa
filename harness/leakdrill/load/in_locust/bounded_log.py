"""Keeps Locust's own log to a size: every task that raises writes its traceback, thousands of times a second."""

from __future__ import annotations

import logging
from typing import Any, Final

_MOST_CHARS: Final = 4 * 2**20
_STAMP_CHARS: Final = 80


class BoundedLog(logging.Filter):
    """Lets records pass until they have `most` characters together, and says then that it ends."""

    def __init__(self, most: int = _MOST_CHARS) -> None:
        super().__init__()
        self._most = self._left = most

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether `record` is still written."""
        if self._left <= 0:
            return False
        self._left -= len(record.getMessage()) + _STAMP_CHARS
        if self._left <= 0:
            record.msg = f"the log ends here: more than {self._most} characters are not kept"
            record.args = record.exc_info = record.exc_text = None
        return True


def bound_log(events: Any) -> None:
    """Bound what is logged once Locust, whose `events` these are, has set its logging up."""
    events.init.add_listener(_bound_handlers)


def _bound_handlers(**_others: Any) -> None:
    for handler in logging.getLogger().handlers:
        handler.addFilter(BoundedLog())
