"""From the slots of a gate run to its verdicts; literal histories, no process."""

import itertools
import json
from dataclasses import replace

import numpy as np
import pytest
import yaml

from leakdrill.errors import BadInput
from leakdrill.judging.evidence.load_conduct import COUNTS
from leakdrill.judging.leak.gate import judge_gate, measured_conditions, verdict_so_far
from leakdrill.judging.leak.gate_baseline import conditions, read_baseline, write_baseline
from leakdrill.judging.leak.growth_kind import Kind
from leakdrill.judging.leak.leak_verdict import LeakOutcome
from leakdrill.judging.leak.looks import TOTAL_ERROR, look_after, looks, most_slots, slot_length_s
from leakdrill.judging.leak.more_time import longer_run
from leakdrill.judging.leak.slot_doubts import slot_doubts
from leakdrill.judging.leak.slots import slot_trace
from leakdrill.record.history import Event, History
from leakdrill.runs.gate.against import read_against
from leakdrill.runs.gate.warmup import has_settled, rises_plainly
from leakdrill.scenario.gate import Gate
from leakdrill.scenario.scenario import Scenario
from leakdrill.scenario.target import ContainerForm

SCENARIO = Scenario.model_validate(
    {
        "name": "shop/cart",
        "target": {"name": "cart", "command": ["x", "{port}"], "limits": {"memory": "1GiB"}},
        "load": {"locustfile": "l.py", "rate": "50/s"},
    }
)
REQUESTS = 1000


def load_reports(event, slots, **labels):
    """Locust's reports of a load that was as it should be, second by second."""
    made = [
        ("warmup" if t < 15 else "slots", t, float(REQUESTS * t))
        for t in range(1, int(15 + 1.4 * slots) + 2)
    ]  # fmt: skip
    return [
        replace(
            event(
                "load",
                "requests",
                dict.fromkeys(COUNTS, 0.0) | {
                    "requests": n, "completed": n, "tasks": n, "users_started": 10.0, "users": 10.0,
                    "workers": 1.0, "rps": float(REQUESTS), "fail_per_s": 0.0,
                    "p50_ms": 1.0, "p95_ms": 2.0, "p99_ms": 3.0,
                },
                t=float(t), **labels,
            ),
            phase=phase,
        )
        for phase, t, n in made
    ]  # fmt: skip


def run(*, leak=0.0, slots=24, build="candidate", corpus="open", extra=(), **counts):
    """Slots of a run whose live memory grows by `leak` bytes a request; `counts` are (first, per slot)."""
    counts = {"threads": (5.0, 0.0), "fds": (20.0, 0.0), **counts}
    numbers = itertools.count()
    rng = np.random.default_rng(3)

    def event(source, name, value, kind="sample", t=0.0, **labels):
        return Event(
            index=next(numbers), t=t, phase="", source=source, kind=kind, name=name, value=value, labels=labels
        )

    events = [
        event("drill", "phase", None, kind="begin", phase="slots", act="1"),
        event("gate", "agent", 1.0, build=build, python="3.11.7", allocator="pymalloc"),
    ]
    for n in range(slots):
        requests = 20_000 + REQUESTS * n
        in_use = 9e6 + leak * REQUESTS * n
        events.append(
            event(
                "gate",
                "slot",
                {
                    "round": float(n), "load_s": 15 + 1.4 * n, "requests": float(requests),
                    "rss_before_bytes": 32e6 + in_use, "rss_after_bytes": 30e6 + in_use,
                    "anon_bytes": 11e6 + in_use + 4096 * float(rng.integers(0, 3)),
                    "uss_bytes": 11e6 + in_use, "pss_bytes": 13e6 + in_use,
                    "blocks": 60_000 + leak / 64 * REQUESTS * n, "gc_objects": 15_000.0,
                    "uordblks_bytes": in_use, "hblkhd_bytes": 6e5, "fordblks_bytes": 8e4,
                    "processes": 1.0, "cpu_seconds": 30 + 0.9 * n, "rest_s": 0.1,
                    **{name: first + each * n for name, (first, each) in counts.items()},
                },
                build=build, corpus=corpus, t=15 + 1.4 * n, members="4121@1700000000.00",
            )
        )  # fmt: skip
    events += load_reports(event, slots, build=build, corpus=corpus)
    events.append(event("gate", "end", float(slots), build=build, corpus=corpus, t=60.0, members="4121@1700000000.00"))
    return History([*events, *(event(*args, **labels) for args, labels in extra)])


def outcomes(history, scenario=SCENARIO, stored=None):
    return {v.check: (str(v.outcome), v.message) for v in judge_gate(history, scenario, stored)}


def test_a_healthy_run_passes():
    assert {outcome for outcome, _ in outcomes(run()).values()} == {"PASS"}


def test_a_leak_fails_with_its_size_and_when_memory_runs_out():
    outcome, message = outcomes(run(leak=512))["memory_does_not_leak"]
    assert outcome == "FAIL"
    assert "512" in message
    assert "memory" in message


@pytest.mark.parametrize(("late", "doubted"), [(1, False), (4, True)])
def test_users_that_locust_learns_of_with_the_next_report_are_no_contradiction(late, doubted):
    told = (event for event in run() if event.name == "requests")
    first = {event.index for event in itertools.islice(told, late)}
    events = [
        replace(event, value={**event.value, "users": 0.0 if event.index in first else 10.0})
        if event.name == "requests"
        else event
        for event in run()
    ]
    doubts = slot_doubts(History(events), SCENARIO, {}, "candidate", "open")
    assert any("users had not ended" in doubt.text for doubt in doubts) is doubted


@pytest.mark.parametrize(("method", "doubted"), [("task", False), ("GET", True)])
def test_what_tasks_raise_is_no_failed_request(method, doubted):
    error = (("load", "errors", 500.0), {"method": method, "request": "/a", "error": "no"})
    doubts = slot_doubts(run(extra=[error]), SCENARIO, {}, "candidate", "open")
    assert any("by their error" in doubt.text for doubt in doubts) is doubted


def test_files_that_the_service_leaves_in_memory_are_a_leak():
    outcome, message = outcomes(run(shmem_bytes=(1e6, 512.0 * REQUESTS)))["memory_does_not_leak"]
    assert outcome == "FAIL"
    assert "memory grows by 512" in message
    assert outcomes(run(shmem_bytes=(1e6, 0.0)))["memory_does_not_leak"][0] == "PASS"


def test_a_promise_to_survive_becomes_a_budget():
    promise = {"survive": {"lasts": "30d", "rate": "50/s", "within": "2GiB"}}
    scenario = SCENARIO.model_copy(update={"gate": type(SCENARIO.gate).model_validate(promise)})
    assert outcomes(run(leak=512), scenario)["memory_does_not_leak"][0] == "FAIL"
    lighter = {"survive": {"lasts": "1h", "rate": "1/s", "within": "2GiB"}}
    scenario = SCENARIO.model_copy(update={"gate": type(SCENARIO.gate).model_validate(lighter)})
    assert outcomes(run(leak=512), scenario)["memory_does_not_leak"][0] == "PASS"


@pytest.mark.parametrize(
    ("history", "why"),
    [
        (run(slots=5), "cut short after 5 of 24"),
        (run(extra=[(("target", "exited", -9.0), {"oom_kill": "true"})]), "ended in the middle"),
        (run(extra=[(("load", "exited", 1.0), {})]), "Locust ended"),
        (History([]), "cut short after 0"),
        (run(corpus=""), "lacks its corpus"),
    ],
)
def test_a_run_that_broke_off_is_unknown_and_never_passes(history, why):
    outcome, message = outcomes(history)["memory_does_not_leak"]
    assert outcome == "UNKNOWN"
    assert why in message


@pytest.mark.parametrize("name", ["load_s", "requests", "processes"])
def test_a_slot_without_a_number_is_unknown_and_no_mistake_of_ours(name):
    events = [
        replace(event, value={key: number for key, number in event.value.items() if key != name})
        if event.name == "slot"
        else event
        for event in run()
    ]
    outcome, message = outcomes(History(events))["memory_does_not_leak"]
    assert (outcome, name in message, "itself broke" in message) == ("UNKNOWN", True, False)


def test_an_oom_kill_fails():
    killed = run(extra=[(("target", "exited", -9.0), {"oom_kill": "true"})])
    assert outcomes(killed)["target_keeps_running"] == (
        "FAIL",
        "the service did not live through the measurement: it was OOM-killed after 0 s",
    )


@pytest.mark.parametrize(("name", "check"), [("threads", "threads_do_not_grow"), ("fds", "descriptors_do_not_grow")])
def test_what_is_counted_must_not_pile_up(name, check):
    assert outcomes(run(**{name: (5.0, 3.0)}))[check][0] == "FAIL"
    assert outcomes(run(**{name: (5.0, 0.2)}))[check][0] == "PASS"
    assert outcomes(run(slots=4))[check][0] == "UNKNOWN"


def test_the_types_that_grew_are_named_for_a_leak():
    where = {"build": "candidate", "corpus": "open"}
    types = [
        (("gate", "types", {"dict": 100.0, "requests": 0.0}), {**where, "moment": "before"}),
        (("gate", "types", {"dict": 2100.0, "requests": 1000.0}), {**where, "moment": "after"}),
    ]
    assert "dict +2.00" in outcomes(run(leak=512, extra=types))["memory_does_not_leak"][1]


def test_a_baseline_is_written_read_and_compared_under_like_conditions_only(tmp_path):
    healthy, path = run(), tmp_path / "baseline.json"
    found = measured_conditions(healthy, SCENARIO, "open")
    write_baseline(path, slot_trace(healthy, build="candidate", corpus="open"), found, bytes_per_request=0.1)
    stored = read_baseline(path)
    assert outcomes(healthy, stored=stored)["memory_does_not_leak"][0] == "PASS"
    assert outcomes(run(leak=512), stored=stored)["memory_does_not_leak"][0] == "FAIL"
    elsewhere = stored.model_copy(
        update={"conditions": conditions(SCENARIO, "open", python="3.13.1", allocator="pymalloc")}
    )
    outcome, message = outcomes(run(leak=512), stored=elsewhere)["memory_does_not_leak"]
    assert (outcome, "python was 3.13.1 and is 3.11.7" in message) == ("UNKNOWN", True)


def test_what_is_no_baseline_is_refused(tmp_path):
    path = tmp_path / "baseline.json"
    with pytest.raises(BadInput, match="cannot be read"):
        read_baseline(path)
    path.write_text("{}")
    with pytest.raises(BadInput, match="expected a baseline"):
        read_baseline(path)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"schema_version": 2}, "schema_version: is 2; this version reads 1"),
        ({"schema_version": 0}, "schema_version: is 0; this version reads 1"),
        (
            {"columns": {"t": [1, 2], "requests": [1, 2], "rss": [5, -5]}},
            r"columns.rss\[1\]: found \"-5\"; expected greater than or equal to 0",
        ),
        ({"columns": {"t": [1, 2], "requests": [2, 1], "rss": [5, 5]}}, "expected t and requests never to fall"),
        ({"columns": {"t": [2, 1], "requests": [1, 2], "rss": [5, 5]}}, "expected t and requests never to fall"),
    ],
)
def test_a_baseline_that_cannot_be_one_is_refused(tmp_path, change, problem):
    healthy, path = run(), tmp_path / "baseline.json"
    found = measured_conditions(healthy, SCENARIO, "open")
    write_baseline(path, slot_trace(healthy, build="candidate", corpus="open"), found, bytes_per_request=0.1)
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(BadInput, match=problem):
        read_baseline(path)


@pytest.mark.parametrize(("slots", "most"), [(24, None), (24, 33), (8, 8), (10, 160), (24, 3000), (600, 600)])
def test_the_looks_together_allow_no_more_error_than_one(slots, most):
    planned = looks(slots, most)
    assert sum(1 - look.confidence for look in planned) == pytest.approx(TOTAL_ERROR)
    assert [look.last for look in planned] == [False] * (len(planned) - 1) + [True]
    assert min(look.confidence for look in planned) == planned[-1].confidence


def test_a_run_is_looked_at_early_when_its_slots_are_done_and_when_its_time_is_up():
    assert [look.after_slots for look in looks(24)] == [12, 18, 24]
    assert [look.after_slots for look in looks(24, 33)] == [12, 18, 24, 33]
    assert [look.after_slots for look in looks(24, 90)] == [12, 18, 24, 36, 54, 81, 90]
    assert [look.after_slots for look in looks(8)] == [8]


def test_a_run_whose_time_is_up_is_judged_as_at_the_last_look():
    planned = looks(24, 33)
    assert look_after(24, planned).confidence > look_after(24, planned, time_is_up=True).confidence
    assert look_after(27, planned, time_is_up=True) == planned[-1]


def test_a_run_goes_on_for_as_long_as_its_time_and_its_baseline_allow():
    gate = SCENARIO.gate
    assert most_slots(gate) == int((gate.at_most - gate.warmup.at_least) / gate.slot)
    assert most_slots(gate.model_copy(update={"at_most": 20.0})) == gate.slots
    assert most_slots(gate.model_copy(update={"at_most": 600.0}), stored_slots=24) == 36


def test_a_run_that_went_on_until_its_time_was_up_is_judged():
    assert "cut short after 27" in outcomes(run(slots=27))["memory_does_not_leak"][1]
    time_is_up = [(("gate", "time_is_up", 27.0), {"corpus": "open"})]
    assert outcomes(run(slots=27, extra=time_is_up))["memory_does_not_leak"][0] == "PASS"


def test_more_slots_are_wanted_where_they_could_settle_it_and_only_there():
    def wanted(history):
        found = verdict_so_far(history, SCENARIO, "open")
        return str(found.outcome), found.more_would_settle

    assert wanted(run(leak=32.0, blocks=(60_000.0, 0.0))) == ("UNKNOWN", True)
    assert wanted(run(slots=5)) == ("UNKNOWN", False)
    assert wanted(run()) == ("CLEAN", False)
    assert wanted(run(leak=512)) == ("LEAK", False)


def unsure(growth, half_width, **changes):
    """An UNKNOWN of 100 seconds about `growth` bytes a request, with a budget of 32."""
    found = verdict_so_far(run(leak=32.0, blocks=(60_000.0, 0.0)), SCENARIO, "open")
    slope = replace(found.growth, per_request=growth, low=growth - half_width, high=growth + half_width)
    return replace(found, growth=slope, budget=32.0, judged_s=100.0, **changes)


@pytest.mark.parametrize(
    ("verdict", "at_most"),
    [
        (unsure(20, 24), "8m"),  # the interval must be half as wide: four times 100 s, beside the 80 s of today
        (unsure(20, 12.1), "4m"),
        (unsure(20, 24, kind=Kind.FILLING), "7m"),
        (unsure(32, 24), ""),
        (unsure(30, 24), ""),
        (unsure(20, 24, more_would_settle=False), ""),
        (unsure(20, 24, outcome=LeakOutcome.CLEAN), ""),
    ],
)
def test_a_setting_to_paste_gives_a_run_the_time_that_settles_it(verdict, at_most):
    longer = longer_run(verdict, SCENARIO.gate)
    assert longer == (f"gate: {{at_most: {at_most}}}" if at_most else "")
    assert not longer or Gate.model_validate(yaml.safe_load(longer)["gate"]).at_most > SCENARIO.gate.at_most


def test_the_hint_of_an_unknown_ends_with_what_can_be_pasted(monkeypatch):
    found = unsure(20, 24)
    monkeypatch.setattr("leakdrill.judging.leak.gate._judged", lambda *_: found)
    (verdict,) = [v for v in judge_gate(run(), SCENARIO) if v.check == "memory_does_not_leak"]
    assert verdict.outcome == "UNKNOWN"
    assert verdict.hint.endswith("; a run that long: `gate: {at_most: 8m}` in the scenario")


def test_memory_has_settled_when_it_rises_no_more():
    rising = [(0.25 * n, 50e6 + 2e6 * n) for n in range(40)]
    assert not has_settled(rising)
    assert has_settled([(0.25 * n, 50e6 + 1000 * (n % 7)) for n in range(40)])
    assert not has_settled(rising[:10])
    assert not has_settled([])


def test_memory_rises_plainly_when_it_does_so_twice_in_a_row():
    def readings(rise, start=0.0):
        return [(0.25 * n, 50e6 + start * (n > 4) + rise * n) for n in range(16)]

    assert rises_plainly(readings(4e6))
    assert not rises_plainly(readings(4e6)[:12])  # too early to tell
    assert not rises_plainly(readings(1e6))
    assert not rises_plainly(readings(0, start=500e6))  # a model was loaded
    assert not rises_plainly([])


def test_the_other_build_is_a_file_an_environment_or_a_command(tmp_path):
    python = tmp_path / "venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.touch()
    assert read_against(str(tmp_path / "venv"), SCENARIO, tmp_path).scenario.target.python == python
    assert read_against("cart --port {port}", SCENARIO, tmp_path).scenario.target.command == [
        "cart",
        "--port",
        "{port}",
    ]
    for nothing in ("cart", str(tmp_path), "cart '"):
        with pytest.raises(BadInput, match="--against"):
            read_against(nothing, SCENARIO, tmp_path)


def test_in_a_container_the_other_build_is_an_image_or_a_command_inside(tmp_path):
    form = {"image": "cart:2", "build": "."}
    spec = SCENARIO.target.model_copy(update={"kind": "docker", "container": ContainerForm.model_validate(form)})
    boxed = SCENARIO.model_copy(update={"target": spec})
    other = read_against("cart:1", boxed, tmp_path).scenario.target.container
    assert (other.image, other.build) == ("cart:1", None)
    other = read_against("cart --cache off", boxed, tmp_path).scenario.target.container
    assert (other.image, other.command) == ("cart:2", ["cart", "--cache", "off"])
    for nothing in (str(tmp_path), "cart '"):
        with pytest.raises(BadInput, match="--against"):
            read_against(nothing, boxed, tmp_path)


@pytest.mark.parametrize(("rest_s", "expected_s"), [(0.0, 1.2), (0.1, 1.2), (0.4, 1.6), (9.0, 1.92)])
def test_slots_grow_with_their_quiet_points_and_not_without_bound(rest_s, expected_s):
    assert slot_length_s(1.2, rest_s) == pytest.approx(expected_s)
