"""Work in a child: what it returns or refuses comes back; one that does not end is ended."""

from __future__ import annotations

import os
import time

import psutil
import pytest

from leakdrill.errors import BadInput
from leakdrill.machine import limited_child
from leakdrill.machine.limited_child import ChildLost, in_limited_child


@pytest.fixture(autouse=True)
def _no_child_is_left():
    before = psutil.Process().children()
    yield
    assert psutil.Process().children() == before


def refuse() -> str:
    raise BadInput("x.md:1: wrong", hint="look")


def die() -> str:
    os._exit(9)


def sleep() -> str:
    time.sleep(60)
    return ""


def test_what_it_returns_comes_back_whatever_its_length() -> None:
    assert in_limited_child(lambda: "") == ""
    assert in_limited_child(lambda: "ü\ud800" * 400_000) == "ü\ud800" * 400_000


def test_what_it_changes_stays_with_it() -> None:
    changed: list[int] = []
    in_limited_child(lambda: str(changed.append(1)))
    assert changed == []


def test_a_refusal_comes_back() -> None:
    with pytest.raises(BadInput, match=r"x\.md:1: wrong") as refused:
        in_limited_child(refuse)
    assert refused.value.hint == "look"


def test_anything_else_says_what_it_was() -> None:
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        in_limited_child(lambda: str(1 // 0))


def test_one_that_ends_early_is_lost() -> None:
    with pytest.raises(ChildLost):
        in_limited_child(die)


def test_one_that_waits_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limited_child, "_WALL_S", 0.3)
    with pytest.raises(ChildLost, match="takes longer than"):
        in_limited_child(sleep)


def test_one_that_takes_all_memory_breaks_alone() -> None:
    with pytest.raises(RuntimeError, match="MemoryError"):
        in_limited_child(lambda: str(len(b"x" * 2**31)))
