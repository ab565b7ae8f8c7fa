"""What a person sees while the drill runs."""

import io

from rich.console import Console

from leakdrill.record.history import Event
from leakdrill.reports.live import LiveView, sparkline
from leakdrill.scenario.scenario import Scenario

SCENARIO = Scenario.model_validate(
    {
        "name": "shop/cart",
        "target": {"name": "cart", "command": ["x"], "limits": {"memory": "128MiB"}},
        "load": {"locustfile": "l.py"},
        "phases": {"baseline": "8s"},
    }
)


def event(source, name, value=None, kind="sample", t=1.0, **labels):
    return Event(index=0, t=t, phase="load", source=source, kind=kind, name=name, value=value, labels=labels)


EVENTS = [
    event("drill", "phase", kind="begin", phase="baseline"),
    event("cgroup", "resources", {"usage_bytes": 64 * 2**20}),
    event("process", "tree", {"rss_bytes": 1.0}, t=9.0),
    event("load", "requests", {"rps": 64.0, "p99_ms": 12.0, "failures": 3.0}),
    event("prometheus", "alert", "firing", alertname="High", severity="warning"),
    event("step", "restart it", kind="begin", act="1"),
    event("step", "restart it", kind="failed", act="1", error="StepFailed: refused"),
    event("target", "exited", -9.0, signal="SIGKILL", oom_kill="true"),
]


def shown(*, terminal):
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=100, color_system=None)
    view = LiveView(SCENARIO, console)
    for each in EVENTS:
        view.see(each)
    if terminal:
        console.print(view._render())
    return out.getvalue()


def test_without_a_terminal_each_turn_of_events_is_one_plain_line():
    assert shown(terminal=False).splitlines() == [
        "   1.0 s  ── baseline",
        "   1.0 s  alert High (warning): firing",
        "   1.0 s  step restart it …",
        "   1.0 s  step restart it: failed: StepFailed: refused",
        "   1.0 s  target exited: -9 signal=SIGKILL oom_kill=true",
    ]


def test_on_a_terminal_phase_memory_load_and_alerts_are_in_view():
    screen = shown(terminal=True)
    assert "baseline, 0 s of at most 8 s" in screen
    assert "64 MiB of 128 MiB (50%)" in screen
    assert "64 requests/s, p99 12 ms, 3 failed" in screen
    assert "High (warning) firing" in screen


def test_a_sparkline_goes_from_nothing_to_the_top():
    assert sparkline([0, 50, 100, 150], 100) == "▁▅██"
    assert sparkline([1.0], 0) == ""


def test_the_timeline_stays_on_the_screen_when_the_drill_ends():
    out = io.StringIO()
    with LiveView(SCENARIO, Console(file=out, force_terminal=True, width=100, color_system=None)) as view:
        for each in EVENTS:
            view.see(each)
        before = len(out.getvalue())
    left = out.getvalue()[before:]
    assert "── baseline" in left
    assert "alert High (warning): firing" in left
    assert "step restart it: failed: StepFailed: refused" in left
    assert "64 MiB of 128 MiB (50%)" in left
