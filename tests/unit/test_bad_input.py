"""A thin slice of `make fuzz`: spoilt files of each kind are read or refused, and nothing else happens."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import spoilt_files

from leakdrill.errors import BadInput
from leakdrill.record.verdict import Outcome

INPUTS_OF_EACH = 6
NAMES = (
    "scenario", "rules", "routing", "matrix", "coverage", "manifests", "kubeconfig", "any YAML", "trace",
    "recording of another tool", "gate baseline", "watch baseline", "corpus", "run folder",
    "run folder, sealed again", "run.json", "verdicts.json",
    "verdicts of a drill", "journal", "metrics page", "torch snapshot", "mode", "phase",
    "others' rules", "others' routing", "compose file", "placed manifests", "bindings", "key", "pid file",
)  # fmt: skip


@pytest.fixture(scope="module")
def scores():
    return spoilt_files.scores(INPUTS_OF_EACH * len(NAMES))


@pytest.mark.parametrize("name", NAMES)
def test_a_spoilt_file_is_read_or_refused(scores, name):
    score = scores[name]
    assert not score.wrong, {fault: score.examples[fault] for fault in score.wrong}
    assert score.tried > 30
    assert score.slowest_s < spoilt_files.LONGEST_S


def test_every_reader_is_listed(scores):
    assert tuple(scores) == NAMES


def score_of(read, **more) -> spoilt_files.Score:
    score = spoilt_files.Score()
    spoilt_files.try_file(spoilt_files.Reader("made up", {}, read, **more), Path("/x/file.yaml"), b"", score)
    return score


def refuse(text):
    raise BadInput(text)


def test_the_fuzzer_sees_what_it_looks_for(monkeypatch):
    monkeypatch.setattr(spoilt_files, "LONGEST_S", 0.05)
    assert "KeyError" in next(iter(score_of(lambda _: {}["key"]).wrong))
    assert "PASS" in score_of(lambda _: Outcome.PASS).wrong
    assert "names no file" in next(iter(score_of(lambda _: refuse("wrong")).wrong))
    assert "took more than" in next(iter(score_of(lambda _: os.read(os.pipe()[0], 1)).wrong))
    assert not score_of(lambda _: refuse("/x/file.yaml:1: wrong")).wrong
    assert not score_of(lambda _: Outcome.PASS, may_pass=True).wrong
