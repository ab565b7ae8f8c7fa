"""`leakdrill doctor` says whether a Docker Engine answers, and why not."""

from __future__ import annotations

import pytest

from leakdrill.targets.docker.doctor import examine

pytest.importorskip("docker")


def test_an_engine_that_does_not_answer_is_named_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    (engine,) = examine()
    assert not engine.ok
    assert engine.detail.startswith("no Docker Engine answers at DOCKER_HOST, or its default socket: ")
    assert engine.hint.startswith("start one, or point DOCKER_HOST at one")
