"""The same scenario file gives the same verdict on every claim, whatever its target runs on."""

from __future__ import annotations

import os

import pytest
from side_by_side import differences, play

TARGETS = ["process", "docker", "kubernetes"]

QUICK = [
    "gateway/horizontal-scaling",  # a scale-out, and the load spread
    "gateway/log-flood",  # a log is rotated
    "gateway/unbounded-cache-restart",  # a restart
    "gateway/vertical-scaling",  # more memory
    "patterns/unbounded-collection",  # a setting
    "pipeline/healthy",  # a twin: every alert stays silent
    "pipeline/oom-killed",  # an OOM kill
    "pipeline/raised-limit",  # a limit is changed
]
OTHERS = [
    "gateway/healthy",  # a twin
    "gateway/temp-files",  # files are deleted
    "gateway/unbounded-cache",  # a cache is cleared
    "patterns/reference-cycles",  # commands inside, garbage collection
    "runner/outputs-restart",  # a restart
    "runner/pinned-mode",  # OOM kills of children, a setting
]
EVERYTHING = "LEAKDRILL_ALL_VERDICTS"
"""Set to 1, the other files are compared too, which takes as long again."""


@pytest.mark.usefixtures("_everywhere")
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("names", [QUICK, OTHERS] if os.environ.get(EVERYTHING) else [QUICK], ids=" ".join)
def test_the_same_file_has_the_same_verdicts_on_every_target(names, tmp_path):
    compare(names, tmp_path)


def compare(names, folder):
    """Play `names` on every target; those that a busy machine spoilt are played once more, one file at a time."""
    found = play(names, TARGETS, folder / "first")
    for name in [name for name in names if wrong(name, found)]:
        print(f"played again: {wrong(name, found)}")  # noqa: T201 - a second try is never silent
        found = {target: {**found[target], **again} for target, again in play([name], TARGETS, folder / name).items()}
    assert [sentence for name in names for sentence in wrong(name, found)] == []


def wrong(name, found):
    """What is judged differently in `name`, what did not pass on a side, and a side that judged nothing."""
    of_it = {target: {c: said for c, said in v.items() if c.startswith(f"{name}: ")} for target, v in found.items()}
    failed = [
        f"{claim}: {said} on {target}"
        for target, verdicts in of_it.items()
        for claim, said in (verdicts or {name: "no verdict"}).items()
        if said != "PASS"
    ]
    return [*differences(of_it), *failed]


def test_a_verdict_that_differs_is_reported_with_both_sides():
    found = {
        "process": {"a/b: alert_fires_in_time HighMemoryUsage": "PASS", "a/b: step_helps restart": "PASS"},
        "docker": {"a/b: alert_fires_in_time HighMemoryUsage": "FAIL", "a/b: step_helps restart": "PASS"},
    }
    assert differences(found) == ["a/b: alert_fires_in_time HighMemoryUsage: PASS on process, FAIL on docker"]
    assert wrong("a/b", found) == [*differences(found), "a/b: alert_fires_in_time HighMemoryUsage: FAIL on docker"]


def test_a_claim_that_only_one_side_judges_differs():
    assert differences({"process": {"a/b: c": "PASS"}, "docker": {}}) == [
        "a/b: c: PASS on process, not judged on docker"
    ]


def test_a_drill_that_did_not_come_to_verdicts_is_wrong_on_both_sides():
    assert wrong("a/b", {"process": {}, "docker": {}}) == [
        "a/b: no verdict on process",
        "a/b: no verdict on docker",
    ]
