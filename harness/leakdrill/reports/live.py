"""The live view of a drill: phase, time, memory against its limit, requests, alerts.

On a terminal it is one block that redraws itself; elsewhere a plain line for each turn of events, so that a CI log
reads like a story and not like a film.
"""

from __future__ import annotations

import collections
import time
from typing import TYPE_CHECKING, Self

from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from leakdrill.printable import printable
from leakdrill.record.events import (
    AlertmanagerExited,
    AlertTransition,
    CgroupResources,
    FilesystemDisk,
    LoadExited,
    LoadRequests,
    Notice,
    ProcessTree,
    PrometheusExited,
    RuleError,
    RunBroken,
    RunPhase,
    StepAct,
    TargetExited,
)
from leakdrill.units import show_duration, show_size

if TYPE_CHECKING:
    from types import TracebackType

    from rich.console import Console, RenderableType

    from leakdrill.record.history import Event
    from leakdrill.scenario.scenario import Scenario

_BLOCKS = "▁▂▃▄▅▆▇█"
_CURVE_POINTS = 48
_CURVE_EVERY_S = 1.0
_SHOWN_LINES = 5
_MOST_LINES = 200
_LOGGED_EVENTS = (AlertmanagerExited, LoadExited, Notice, PrometheusExited, RuleError, RunBroken, TargetExited)
_STATE_STYLE = {"pending": "yellow", "firing": "bold red", "resolved": "green", "inactive": "dim"}


def sparkline(values: list[float], top: float) -> str:
    """`values` as a line of blocks, from nothing to `top`."""
    if top <= 0:
        return ""
    return "".join(_BLOCKS[min(len(_BLOCKS) - 1, int(max(0.0, v) / top * len(_BLOCKS)))] for v in values)


class LiveView:
    """Shows the events of a running drill. Use as a context manager and subscribe `see` to the recorder."""

    def __init__(self, scenario: Scenario, console: Console) -> None:
        self._scenario = scenario
        self._console = console
        self._phase = "setup"
        self._phase_began = self._began = time.monotonic()
        self._memory: collections.deque[float] = collections.deque(maxlen=_CURVE_POINTS)
        self._memory_at = -_CURVE_EVERY_S
        self._has_cgroup = False
        self._limit = float(scenario.target.limits.memory or 0)
        self._disk: FilesystemDisk | None = None
        self._load: LoadRequests | None = None
        self._alerts: dict[str, str] = {}
        self._log_lines: collections.deque[str] = collections.deque(maxlen=_MOST_LINES)
        self._live = Live(console=console, get_renderable=self._render, refresh_per_second=4, transient=True)

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if self._console.is_terminal:
            self._live.stop()
            self._leave_timeline()

    def _leave_timeline(self) -> None:
        """Print what happened, which the block that redraws itself has taken along."""
        for line in self._log_lines:
            self._console.print(Text(line), soft_wrap=True)
        if self._memory:
            self._console.print(Text("memory    ").append(self._memory_text()), soft_wrap=True)

    def see(self, event: Event) -> None:
        """Take one event in. Called on the recording thread; only notes, the drawing happens elsewhere."""
        phase = RunPhase.read(event)
        if phase is not None:
            self._see_phase(phase)
        elif event.kind == "sample":
            self._see_sample(event)
        else:
            self._see_act(event)

    def _see_phase(self, event: RunPhase) -> None:
        if event.kind == "begin":
            self._phase, self._phase_began = event.phase, time.monotonic()
            self._log(event.t, f"── {self._phase}")

    def _see_act(self, event: Event) -> None:
        subject = event.labels.get("leak", "")
        title = " ".join(part for part in (event.source, event.name.replace("_", " "), subject) if part)
        if event.kind == "begin":
            if StepAct.matches(event):
                self._log(event.t, f"{title} …")
        elif event.kind == "ok":
            self._log(event.t, f"{title}: done")
        else:
            self._log(event.t, f"{title}: {event.kind}: {event.labels.get('error', '')}")

    def _see_sample(self, event: Event) -> None:
        if isinstance(event.value, dict):
            self._see_numbers(event)
            return
        alert = AlertTransition.read(event)
        if alert is not None:
            self._see_alert(alert)
        elif any(event_class.matches(event) for event_class in _LOGGED_EVENTS):
            detail = " ".join(f"{k}={v}" for k, v in event.labels.items())
            value = event.value or ""
            self._log(
                event.t,
                f"{event.source} {event.name}: {value if isinstance(value, str) else f'{value:g}'} {detail}".rstrip(),
            )

    def _see_numbers(self, event: Event) -> None:
        if event.t - self._memory_at >= _CURVE_EVERY_S:
            self._see_memory(event)
        disk, load = FilesystemDisk.read(event), LoadRequests.read(event)
        self._disk = disk or self._disk
        self._load = load or self._load

    def _see_memory(self, event: Event) -> None:
        """Take the cgroup's usage, which is what the limit acts on; without a cgroup, the resident set."""
        cgroup, tree = CgroupResources.read(event), ProcessTree.read(event)
        self._has_cgroup = self._has_cgroup or cgroup is not None
        used = cgroup.usage_bytes if cgroup else tree.rss_bytes if tree and not self._has_cgroup else None
        if used is not None:
            self._memory.append(used)
            self._memory_at = event.t

    def _see_alert(self, event: AlertTransition) -> None:
        severity = event.labels.get("severity", "")
        name = printable(event.labels.get("alertname", "?") + (f" ({severity})" if severity else ""))
        self._alerts[name] = printable(event.state)
        self._log(event.when, f"alert {name}: {event.state}")

    def _log(self, t: float, text: str) -> None:
        line = f"{t:6.1f} s  {printable(text)}"
        self._log_lines.append(line)
        if not self._console.is_terminal:
            self._console.print(Text(line), soft_wrap=True)

    def _render(self) -> RenderableType:
        table = Table.grid(padding=(0, 2))
        table.add_row(Text("phase", "dim"), self._phase_text())
        table.add_row(Text("memory", "dim"), self._memory_text())
        if self._disk and self._scenario.target.limits.disk:
            used, size = self._disk.used_bytes or 0.0, self._disk.size_bytes or 0.0
            table.add_row(Text("disk", "dim"), Text(f"{show_size(used)} of {show_size(size)}"))
        table.add_row(Text("load", "dim"), self._load_text())
        table.add_row(Text("alerts", "dim"), self._alerts_text())
        title = Text(f"Leakdrill  {printable(self._scenario.name)}", "bold")
        return Group(title, table, *[Text(line, "dim") for line in [*self._log_lines][-_SHOWN_LINES:]])

    def _phase_text(self) -> Text:
        now = time.monotonic()
        expected = getattr(self._scenario.phases, self._phase, None)
        of = f" of at most {show_duration(expected)}" if expected else ""
        elapsed = show_duration(round(now - self._phase_began))
        return Text(f"{printable(self._phase)}, {elapsed}{of}; {show_duration(round(now - self._began))} in all")

    def _memory_text(self) -> Text:
        values = list(self._memory)
        if not values:
            return Text("no reading yet", "dim")
        top = self._limit or max(values)
        of = f" of {show_size(self._limit)} ({values[-1] / self._limit:.0%})" if self._limit else ""
        return Text(f"{sparkline(values, top)} {show_size(values[-1])}{of}")

    def _load_text(self) -> Text:
        if not self._load:
            return Text("no request yet", "dim")
        rps, failures, p99_ms = self._load.rps or 0.0, self._load.failures or 0.0, self._load.p99_ms or 0.0
        return Text(f"{rps:.0f} requests/s, p99 {p99_ms:.0f} ms, {failures:.0f} failed")

    def _alerts_text(self) -> Text:
        text = Text()
        for name, state in self._alerts.items():
            text.append(f"{name} ").append(state, _STATE_STYLE.get(state, "")).append("  ")
        return text if self._alerts else Text("all silent", "dim")
