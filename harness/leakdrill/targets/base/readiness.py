"""Waits until a started service answers, and tells a person well why it did not."""

from __future__ import annotations

import signal
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import httpx

from leakdrill.errors import TargetNotReady
from leakdrill.in_words import in_words
from leakdrill.machine.http_client import bounded_client
from leakdrill.machine.listening import LISTENS_NOWHERE
from leakdrill.units import show_count, show_duration
from leakdrill.wait import TimedOut, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from leakdrill.machine.http_access import Access

_TRY_TIMEOUT_S: Final = 2.0
_LAST_LINES: Final = 3
_MOST_CHARS: Final = 200
_TAIL_BYTES: Final = 8192
_HINT_ON_EXIT: Final = "run the command by hand, in its folder (target.cwd; by default that of the scenario file)"
_HINT_ON_EXIT_0: Final = "have the command stay in the foreground: the process that is started is the one followed"
_HINT_SLOW: Final = "if it only starts slowly, raise target.ready.timeout"
_NO_HTTP: Final = ("the answer is no HTTP", "closed without an answer", "the connection broke")
_HINT_ELSEWHERE: Final = (
    "have it listen on `{port}`, which target.command can name and which is in its environment as PORT, and on an "
    "address that is reached; or name the port that it always takes in target.port"
)


@dataclass(kw_only=True)
class Readiness:
    """One wait for one start.

    Attributes:
        subject: whom it is about, such as `target 'gateway' (pid 4121)`.
        url: must answer 2xx.
        timeout_s: for how long it is asked.
        exit_status: None while the process runs.
        log: what the process writes to, where the drill has it; `log_start` is where this start begins in it.
        access: how it is asked.
        stranger: who answers in the place of the target, such as `pid 12 (nginx)`; empty when nobody does.
        elsewhere: where the target listens, as a sentence, when no probe reaches it there; else empty.
    """

    subject: str
    url: str
    timeout_s: float
    exit_status: Callable[[], int | None]
    log: Path | None
    access: Access
    log_start: int = 0
    stranger: Callable[[], str] = str
    elsewhere: Callable[[], str] = str
    outcome: str = field(default="nothing", init=False)
    _status: int = field(default=0, init=False)

    def wait(self) -> float:
        """Seconds until it answered 2xx.

        Raises:
            TargetNotReady: when it did not in time, or ended first.
        """
        start = time.monotonic()
        with bounded_client(timeout_s=_TRY_TIMEOUT_S, access=self.access) as client:
            try:
                wait_for(lambda: self._answers(client, start), what=f"GET {self.url} answers", timeout_s=self.timeout_s)
            except TimedOut as e:
                elsewhere = "" if self._status else self.elsewhere()
                raise self._not_ready(
                    f"{self.subject} was not ready after {show_duration(self.timeout_s)}: GET {self.url} "
                    f"{self.outcome} ({show_count(e.tries, 'try', 'tries')}), expected "
                    f"2xx.{f' {elsewhere}' if elsewhere else ''}",
                    self._hint(elsewhere),
                ) from e
        return time.monotonic() - start

    def _answers(self, client: httpx.Client, start: float) -> bool:
        status = self.exit_status()
        if status is not None:
            raise self._not_ready(
                f"{self.subject} ended with {show_exit(status)} after {show_duration(time.monotonic() - start)}, "
                f"before GET {self.url} answered 2xx.",
                _HINT_ON_EXIT_0 if status == 0 else _HINT_ON_EXIT,
            )
        try:
            with client.stream("GET", self.url) as response:  # the status is enough: the body may be of any length
                self._status = response.status_code
                self.outcome = f"answered {response.status_code}{_elsewhere(response)}"
                ready = response.is_success
        except (httpx.HTTPError, httpx.InvalidURL) as e:
            self.outcome, self._status = f"failed: {in_words(e)}", 0
            return False
        stranger = self.stranger() if ready else ""
        if stranger:
            self._status = 0
            self.outcome += f", but from {stranger}, which is no process of the target,"
        return ready and not stranger

    def _hint(self, elsewhere: str) -> str:
        """What to do next, by the last outcome; the target may listen `elsewhere`."""
        if elsewhere and elsewhere != LISTENS_NOWHERE:
            return _HINT_ELSEWHERE
        if "CERTIFICATE_REQUIRED" in self.outcome:
            return "the service asks who it is that asks: name a target.http.certificate, with its key"
        if any(words in self.outcome for words in _NO_HTTP):
            return f"does it speak TLS there? The probe, the load and the scrapes speak plain HTTP; {_HINT_SLOW}"
        return _hint_on(self._status)

    def _not_ready(self, problem: str, advice: str) -> TargetNotReady:
        if self.log is None:
            return TargetNotReady(problem, hint=f"read what the service logs; {advice}.")
        return TargetNotReady(
            f"{problem}\n{_rendered(last_lines(self.log, self.log_start))}", hint=f"read {self.log}; {advice}."
        )


def _hint_on(status: int) -> str:
    """What to do about a service whose last answer had `status`; 0 where it did not answer."""
    if status in (401, 403):
        return "target.ready.path must be one that answers without a login"
    if status == 404 or 300 <= status < 400:  # noqa: PLR2004 - no such path, and redirects
        return "target.ready.path names the path that is asked; expected one that answers 2xx itself"
    if status >= 500:  # noqa: PLR2004 - the service's own error
        return f"it answers, and says that it is not well: its log has why; {_HINT_SLOW}"
    return _HINT_SLOW


def _elsewhere(response: httpx.Response) -> str:
    """Where a response redirects to."""
    location = response.headers.get("location", "")[:_MOST_CHARS]
    return f" with a redirect to {location!r}, which is not followed" if location else ""


def _rendered(lines: list[str]) -> str:
    if not lines:
        return "It logged nothing."
    if len(lines) == 1:
        return f'Last log line: "{lines[0]}".'
    return "Last log lines:" + "".join(f"\n  {line}" for line in lines)


def show_exit(status: int) -> str:
    """A process' end for a person: `exit status 1`, `signal 9 (SIGKILL)`."""
    return f"exit status {status}" if status >= 0 else f"signal {-status} ({signal_name(-status)})"


def signal_name(number: int) -> str:
    """The name of a signal, such as `SIGKILL`; `SIGRTMIN+3` for one without a name of its own."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"SIGRTMIN{number - signal.SIGRTMIN:+d}"


def last_lines(path: Path, start: int = 0) -> list[str]:
    """The last lines of `path` that say something, looking no further back than byte `start`."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            # A log that was cut in the meantime is shorter than where this start began in it.
            file.seek(max(start if start <= size else 0, size - _TAIL_BYTES))
            text = file.read().decode(errors="replace")
    except OSError:
        return []
    return [line.strip() for line in text.splitlines() if line.strip()][-_LAST_LINES:]
