"""Draws cases at random: a base, a plan, and changes near the numbers that stand in a module."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from change_bases import BASES, made
from pydantic import ValidationError
from record_changes import CLASSES

from leakdrill.record.parts import Entries, Entry, Label, Name, Number, Text

if TYPE_CHECKING:
    from random import Random

    from leakdrill.record.event import Event

    Case = dict[str, Any]

MIB: Final = 1024**2
_TIMES: Final = (
    0.0, 1.5, 2.0, 5.0, 10.0, 14.9, 15.0, 20.0, 30.0, 30.2, 35.2, 40.0, 54.9, 55.2, 55.7, 56.0, 58.2, 60.0, 66.0, 71.0,
)  # fmt: skip
_NUMBERS: Final = (0.0, 0.01, 0.05, 0.1, 0.25, 0.5, 0.9, 1.0, 2.0, 3.0, 5.0, 10.0, 100.0, 1000.0)
_WORDS: Final = (
    "gateway-1", "gateway-2", "gpu0", "pager", "other", "HighMemoryUsage", "warning", "critical", "firing", "resolved",
    "pending", "inactive", "candidate", "baseline", "open", "closed", "true", "false", "1", "2", "10", "99", "SIGKILL",
    "cache", "clear the cache", "GET", "task", "/", "500", "cgroup", "processes", "marks", "4121", "10@1700000000.00",
)  # fmt: skip
ALERT: Final = {"alertname": "HighMemoryUsage", "severity": "warning"}
KINDS: Final = {"gate": "gate", "command": "watch", "attempts": "watch", "trace": "trace"}
"""What kind of plan a base has, where it is not that of a drill."""


@cache
def plans_of(base: str) -> tuple[Case, ...]:
    """The changes of plans that fit `base`, from `plans.jsonl`."""
    lines = map(json.loads, Path(__file__).with_name("plans.jsonl").read_text().splitlines())
    return tuple(line["plan"] for line in lines if line["of"] == KINDS.get(base, "drill"))


def fits(base: str, plan: Case) -> bool:
    """Whether a base can be judged by `plan`: a leak on a card asks for a card."""
    try:
        BASES[base].planned(plan)
    except ValidationError:
        return False
    return True


@cache
def numbers_of(module: str) -> tuple[float, ...]:
    """The numbers that stand in the source of `module`, and some that are near everywhere."""
    tree = ast.parse(inspect.getsource(importlib.import_module(module)))
    values = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    found = {float(v) for v in values if isinstance(v, float | int) and not isinstance(v, bool)}
    return tuple(sorted(found)) * 3 + _NUMBERS


@cache
def classes_of(module: str) -> tuple[str, ...]:
    """The classes of events that `module` speaks of; all where there is none."""
    there = vars(importlib.import_module(module))
    return tuple(sorted(name for name in CLASSES if there.get(name) is CLASSES[name])) or tuple(CLASSES)


@cache
def places(base: str) -> tuple[tuple[str, str, str], ...]:
    """Source, name and field of every number of a base."""
    found: dict[tuple[str, str, str], None] = {}
    for event in made(base):
        keys = event.value if isinstance(event.value, dict) else ("",) if isinstance(event.value, float) else ()
        found.update({(event.source, event.name, key): None for key in keys})
    return tuple(found)


class Draw:
    """Draws cases near the numbers and classes of one module."""

    def __init__(self, random: Random, module: str) -> None:
        self._random, self._numbers, self._classes = random, numbers_of(module), classes_of(module)

    def case(self, base: str) -> Case:
        """A base with one to three changes."""
        pick, case = self._random, {"base": base, "changes": []}
        if pick.random() < 0.45:
            plan = pick.choice(plans_of(base))
            case |= {"plan": plan} if fits(base, plan) else {}
        case["changes"] = [self._change(base) for _ in range(pick.choice((0, 1, 1, 1, 2, 2, 3)))]
        return case

    def _change(self, base: str) -> list[Any]:
        pick = self._random
        draw = pick.choices(
            (self._field, self._drop, self._shift, self._sample, self._act, self._label, self._again, self._kind,
             self._cut),
            (40, 10, 6, 14, 6, 6, 3, 4, 2),
        )[0]  # fmt: skip
        return draw(base)

    def _number(self) -> float:
        pick, number = self._random, self._random.choice(self._numbers)
        near = pick.choice((1, 1, 1, 0.999, 1.001, 0.99, 1.01, 0.9, 1.1, 0.5, 2, -1))
        return number * near + pick.choice((0, 0, 0, 0, 1e-3, -1e-3, 1, -1))

    def _span(self, base: str) -> tuple[float, float]:
        pick, events = self._random, made(base)
        since = pick.choice((pick.choice(_TIMES), pick.choice(events).t, pick.uniform(0, events[-1].t)))
        long = pick.choice(
            (0.0, 0.0, 0.3, 1.0, 1e3, 1e3, abs(self._number()), abs(self._number()), pick.uniform(0, 30))
        )
        return round(since, 3), round(since + long, 3)

    def _place(self, base: str) -> tuple[str, str, str]:
        every = places(base)
        mine = {(CLASSES[name].source, CLASSES[name].event_name) for name in self._classes}
        fitting = [place for place in every if place[:2] in mine]
        return self._random.choice(fitting if fitting and self._random.random() < 0.85 else every)

    def _field(self, base: str) -> list[Any]:
        pick, (source, name, key) = self._random, self._place(base)
        how = pick.choices(("add", "times", "is", "stays", "drifts", "gone"), (25, 30, 15, 12, 12, 6))[0]
        number = self._number()
        unit = (
            pick.choice((1, 1024, 4096, MIB, 10 * MIB))
            if key.endswith("_bytes") or source == "trace"
            else pick.choice((1, 1, 100))
        )
        amount = {
            "times": pick.choice((number, 1 + number, 1 - number, 1 / number if number else 0.0)),
            "add": number * unit * pick.choice((1, -1)), "is": pick.choice((number, number * unit, 0.0, -1.0)),
            "drifts": number * unit * pick.choice((1, -1, 0.01)),
        }.get(how, 0.0)  # fmt: skip
        rare = pick.random()
        odd: float | str = (
            "nan" if how == "is" and rare < 0.05 else "inf" if how == "is" and rare < 0.1 else round(amount, 6)
        )
        return ["field", source, name, key, how, odd, *self._span(base)]

    def _drop(self, base: str) -> list[Any]:
        source, name, _ = self._line(base)
        return ["drop", source, name, *self._span(base), *self._random.choice(((), (), (2,), (3,), (5,)))]

    def _line(self, base: str) -> tuple[str, str, Event]:
        pick = self._random
        mine = {CLASSES[name].source for name in self._classes}
        event = pick.choice(made(base))
        kinds = sorted({(e.source, e.name) for e in made(base) if e.source in mine} or {(event.source, event.name)})
        source, name = pick.choice(kinds) if pick.random() < 0.8 else (event.source, event.name)
        return source, name, event

    def _shift(self, base: str) -> list[Any]:
        source, name, _ = self._line(base)
        return ["shift", source, name, round(self._number(), 4), *self._span(base)]

    def _again(self, base: str) -> list[Any]:
        source, name, _ = self._line(base)
        return [
            "again",
            source,
            name,
            self._random.choice((0.0, 0.1, round(abs(self._number()), 3))),
            *self._span(base),
        ]

    def _label(self, base: str) -> list[Any]:
        source, name, _ = self._line(base)
        keys = sorted({key for e in made(base) if (e.source, e.name) == (source, name) for key in e.labels}) or ["pod"]
        return ["label", source, name, self._random.choice(keys), self._random.choice(("", *_WORDS)), *self._span(base)]

    def _kind(self, base: str) -> list[Any]:
        acts = sorted({(e.source, e.name) for e in made(base) if e.kind == "begin"}) or [("step", "")]
        pick = self._random
        new, value = pick.choice(
            (("failed", None), ("failed", "no such path"), ("unknown", "it hung"), ("sample", None))
        )
        return ["kind", *pick.choice(acts), pick.choice(("ok", "ok", "begin")), new, *([value] if value else [])]

    def _cut(self, base: str) -> list[Any]:
        return ["cut", self._span(base)[0]]

    def _sample(self, base: str) -> list[Any]:
        pick = self._random
        name = pick.choice([one for one in self._classes if not CLASSES[one].is_act] or ["Notice"])
        t = self._span(base)[0]
        at = pick.choice((None, None, t, round(t + self._number(), 3)))
        return ["sample", name, t, self._fields(name), *([] if at is None else [at])]

    def _act(self, base: str) -> list[Any]:
        pick = self._random
        name = pick.choice([one for one in self._classes if CLASSES[one].is_act] or ["StepAct", "TargetRestart"])
        start, end = self._span(base)
        over = pick.choice((end, end, min(end, start + 1), None))
        return ["act", name, start, over, pick.choice(("ok", "ok", "failed", "unknown")), self._fields(name)]

    def _fields(self, name: str) -> dict[str, Any]:
        """Some of the fields of a class."""
        pick, fields = self._random, {}
        for field, part in CLASSES[name].parts().items():
            if pick.random() < 0.35 or field in ("error", "reason", "more"):
                continue
            if isinstance(part, Entry | Number):
                fields[field] = float(self._number() * pick.choice((1, 1, MIB)) if "bytes" in field else self._number())
            elif isinstance(part, Label | Name | Text):
                fields[field] = pick.choice(_WORDS)
            elif isinstance(part, Entries):
                fields[field] = {pick.choice(_WORDS): float(self._number())}
            elif field == "labels":
                fields[field] = ALERT | pick.choice(({}, {}, {"severity": "critical"}, {"alertname": "HighCpu"}))
        return fields
