"""What is written of a request, and what is made of it again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from leakdrill.errors import BadInput
from leakdrill.load.corpus import REPLAY_LOCUSTFILE, read_corpus, replay_spec
from leakdrill.load.in_locust.corpus_file import Request, refusal_line, request_line
from leakdrill.load.in_locust.variables import CORPUS_ENV
from leakdrill.scenario.load import Load

if TYPE_CHECKING:
    from pathlib import Path


def request_at(t: float, body: bytes = b"") -> Request:
    return Request(t, "POST", "/a?b=%20", {"Cookie": "x=1"}, body, redirects=True, status=404)


def test_requests_come_back_as_they_were_in_the_order_of_sending(tmp_path: Path) -> None:
    """Text, bytes that are no text, and nothing; answered in another order; a torn last line is left out."""
    requests = [request_at(0.0, b"{}"), request_at(0.5, b"\xff\x00"), request_at(1.0)]
    lines = [request_line(index, requests[index]) for index in (2, 0, 1)]
    (tmp_path / "corpus.jsonl").write_bytes(b"".join(lines) + b'{"n": 3, "t"')
    assert read_corpus(tmp_path / "corpus.jsonl") == requests


@pytest.mark.parametrize(("content", "reason"), [(b"", "nothing was recorded"), (refusal_line("WS /chat"), "WS /chat")])
def test_a_corpus_that_cannot_be_replayed_is_bad_input(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "corpus.jsonl").write_bytes(content)
    with pytest.raises(BadInput, match=reason):
        replay_spec(Load(locustfile=tmp_path / "l.py"), tmp_path / "corpus.jsonl")


def test_a_replay_keeps_the_rate_of_the_scenario_or_else_of_the_recording(tmp_path: Path) -> None:
    """Five requests in 2 s are 2/s; the locustfile's own arguments are dropped; a pass may be a part."""
    corpus = tmp_path / "corpus.jsonl"
    corpus.write_bytes(b"".join(request_line(index, request_at(index / 2)) for index in range(5)))
    spec = Load(locustfile=tmp_path / "l.py", users=7, args=["--mine"], env={"A": "1"})
    load, requests = replay_spec(spec, corpus)
    assert (load.rate, load.users, load.args, load.locustfile, requests) == (2.0, 7, [], REPLAY_LOCUSTFILE, 5)
    assert load.env["A"] == "1"
    assert load.env[CORPUS_ENV] == str(corpus)
    assert replay_spec(spec.model_copy(update={"rate": 9.0}), corpus, at_most=3)[0].rate == 9.0
    part = replay_spec(spec, corpus, at_most=1)
    assert (part.pass_requests, part.load.rate) == (1, 2.0)
