"""A memory snapshot: who holds most, what of it is kept, and what becomes of one that cannot be had."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from leakdrill.meters.torch_allocator import parse_statistics
from leakdrill.record.verdict import Outcome, Verdict
from leakdrill.runs.drill.torch_holders import UNNAMED, holders
from leakdrill.runs.drill.torch_snapshot import FILE, keep_if_failed

if TYPE_CHECKING:
    from pathlib import Path


def frame(filename: str, line: int, name: str) -> dict[str, Any]:
    return {"filename": filename, "line": line, "name": name}


OWN = [
    frame("/srv/app/model.py", 7, "forward"),
    frame("/srv/app/serve.py", 3, "predict"),
    frame("/srv/main.py", 1, "run"),
]
TORCH = [frame("??", 0, "c10::alloc"), frame("/venv/torch/nn/modules/linear.py", 134, "forward")]


def block(size: int, *, state: str = "active_allocated", frames: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    return {"size": size, "requested_size": size, "state": state, "frames": frames or []}


def test_bytes_are_summed_by_the_place_that_made_them_and_its_caller() -> None:
    """Torch's own frames are no place, and free blocks are nobody's."""
    snapshot = {
        "segments": [
            {"blocks": [block(512, frames=[*TORCH, *OWN]), block(4096, state="inactive", frames=OWN)]},
            {"blocks": [block(1024, frames=OWN), block(100)]},
        ]
    }
    place = "app/model.py:7 in forward, from app/serve.py:3 in predict"
    assert list(holders(snapshot).items()) == [(place, 1536.0), (UNNAMED, 100.0)]


@pytest.mark.parametrize("snapshot", [None, [], {}, {"segments": 5}])
def test_what_is_no_snapshot_is_refused(snapshot: object) -> None:
    with pytest.raises(ValueError, match='"segments"'):
        holders(snapshot)


def test_a_service_gives_torchs_figures_itself_or_beside_others() -> None:
    figures = {"allocated_bytes.all.current": 5, "num_ooms": 0, "backend": "native", "expandable": True}
    for said in (figures, {"pid": 7, "torch": figures}):
        assert parse_statistics(json.loads(json.dumps(said))) == {"allocated_bytes.all.current": 5.0, "num_ooms": 0.0}


@pytest.mark.parametrize("said", [[], "x", {"pid": 7}, {"torch": []}, {"torch": {"num_ooms": 1}}])
def test_an_answer_without_torchs_figures_is_refused(said: object) -> None:
    with pytest.raises(ValueError, match="expected"):
        parse_statistics(said)


@pytest.mark.parametrize(("outcome", "kept"), [(Outcome.FAIL, True), (Outcome.UNKNOWN, False), (Outcome.PASS, False)])
def test_a_snapshot_is_kept_with_a_run_that_failed(tmp_path: Path, outcome: Outcome, *, kept: bool) -> None:
    (tmp_path / FILE).write_text("{}")
    keep_if_failed(
        tmp_path,
        [Verdict(check="x", outcome=Outcome.PASS, message=""), Verdict(check="y", outcome=outcome, message="")],
    )
    assert (tmp_path / FILE).exists() is kept
    keep_if_failed(tmp_path, [])
    assert not (tmp_path / FILE).exists()
