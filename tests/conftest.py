"""Children of tests take signals as a user's do, and no test hides words of another's.

A shell starts what is in the background with SIGINT ignored, `nohup` ignores SIGHUP, and a supervisor may ignore or
block others; children would inherit that, and a test that signals one would wait in vain. A handler is not inherited.
"""

from __future__ import annotations

import signal

import pytest

from leakdrill import masking

_SENT = (signal.SIGINT, signal.SIGHUP, signal.SIGTERM, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)

for _number in _SENT:
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, signal.default_int_handler if _number == signal.SIGINT else lambda *_: None)
signal.pthread_sigmask(signal.SIG_UNBLOCK, _SENT)


@pytest.fixture(autouse=True)
def _masked_from_now_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(masking, "_HIDDEN", set())
