"""The reference of the scenario file, taken from the models: no key without a sentence, a type and an example."""

from __future__ import annotations

from leakdrill.scenario.quantities import Frozen
from leakdrill.scenario.reference import REQUIRED, Key, _keys, scenario_keys, steps_reference, twin_keys
from leakdrill.scenario.steps import ACTIONS


def every_key() -> list[Key]:
    return [*scenario_keys(), *twin_keys(), *(key for step in steps_reference() for key in step.keys)]


def incomplete(keys: list[Key]) -> list[str]:
    """The paths of keys without a sentence, and of values without an example."""
    return [
        key.path
        for key in keys
        if not key.sentence.endswith(".") or not (key.example or key.type in ("mapping", "list of mappings"))
    ]


def test_every_key_has_a_sentence_and_an_example():
    assert incomplete(every_key()) == []


def test_a_key_without_a_description_is_named():
    class Part(Frozen):
        colour: str = ""

    assert incomplete(list(_keys(Part, "part."))) == ["part.colour"]


def test_a_key_is_described_by_its_type_default_unit_and_example():
    keys = {key.path: key for key in every_key()}
    timeout = keys["target.ready.timeout"]
    assert (timeout.type, timeout.default, timeout.unit, timeout.example) == (
        "duration",
        "30s",
        "ms, s, m, h, d or w",
        "30s",
    )
    assert (keys["load.rate"].default, keys["load.rate"].example) == ("", "50/s")
    assert keys["target.name"].default == REQUIRED
    assert keys["expect.memory.level"].default == "10%"
    assert keys["alerts.expect[].fires_within"].type == "duration"
    assert keys["steps[].on"].type == "alert"
    assert keys["kill.signal"].type.startswith("TERM or KILL")
    assert keys["leaks[].switch.on.path"].default == REQUIRED


def test_every_action_is_described_and_says_how_it_is_undone():
    steps = list(steps_reference())
    assert tuple(step.name for step in steps) == ACTIONS
    assert [step.name for step in steps if not (step.sentence.endswith(".") and step.undo.endswith("."))] == []
