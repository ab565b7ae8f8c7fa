"""The parts of the tensor service that need no server."""

from __future__ import annotations

import asyncio
import gc
import os
from typing import TYPE_CHECKING

import pytest

if not os.environ.get("CI"):
    pytest.importorskip("torch", reason="torch is not installed; make test installs it")

import torch

from leaky_apps.tensor.device import Processor, choose
from leaky_apps.tensor.embeddings import Embeddings
from leaky_apps.tensor.inference import Inference, UnknownLabelError
from leaky_apps.tensor.leaks import every_leak
from leaky_apps.tensor.ledger import OutOfMemory
from leaky_apps.tensor.network import STATE_BYTES, Network
from leaky_apps.tensor.order import Order, read_order
from leaky_apps.tensor.references import References
from leaky_apps.tensor.settings import tensor_settings
from leaky_apps.tensor.staging import Staging
from leaky_apps.tensor.versions import HEAD_BYTES, Versions

if TYPE_CHECKING:
    from leaky_apps.leak import Leak
    from leaky_apps.tensor.inference import Result


class Parts:
    """A service without its server, on a processor with a budget."""

    def __init__(self, budget_bytes: int = 1 << 28) -> None:
        self.device = Processor(budget_bytes)
        self.references, self.staging = References(), Staging("cpu")
        self.versions, self.embeddings = Versions("cpu"), Embeddings()
        kept = (self.references, self.staging, self.versions, self.embeddings)
        self.inference = Inference(self.device, *kept)
        self.leaks: dict[str, Leak] = {leak.name: leak for leak in every_leak(self.inference, *kept)}
        self.settings = tensor_settings(self.inference, self.device, self.references)

    def answer(self, **fields: object) -> Result:
        return asyncio.run(self.inference.answer(read_order(fields)))

    def growth(self, count: int, **fields: object) -> float:
        before = self.device.used_bytes()
        for seed in range(count):
            self.answer(seed=seed, **fields)
        return (self.device.used_bytes() - before) / count


def test_the_ledger_counts_what_lives_and_forgets_what_ended() -> None:
    device = Processor()
    with device.watch():
        kept = torch.zeros(1000)
        passing = torch.ones(1000)
    assert device.used_bytes() == 8000
    del passing
    assert device.used_bytes() == 4000
    assert "tensors 1\n" in device.summary()
    del kept
    assert device.used_bytes() == 0


def test_the_ledger_counts_what_only_a_graph_holds() -> None:
    """What autograd saves has no name in Python, and is counted all the same."""
    device = Processor()
    with device.watch():
        x = torch.ones(1000, requires_grad=True)
        total = (x.exp() * 2).sum()
    assert device.used_bytes() >= 8000
    del total
    assert device.used_bytes() == 4000


def test_beyond_the_budget_is_out_of_memory_and_nothing_stays() -> None:
    device = Processor(budget_bytes=10_000, fraction=0.5)
    with pytest.raises(torch.OutOfMemoryError, match="out of memory"), device.watch():
        torch.zeros(2000)
    assert device.used_bytes() == 0
    device.fraction = 1.0
    with device.watch():
        assert torch.zeros(2000).nbytes == device.used_bytes()


def refused(parts: Parts) -> bool:
    """Whether a large order is out of memory. A kept error would hold its tensors, so it ends here."""
    try:
        parts.answer(rows=512)
    except OutOfMemory:
        pass
    else:
        return False
    gc.collect()  # asyncio.run leaves its task and the error in a cycle
    return True


def test_a_pass_that_does_not_fit_is_tried_with_half_of_its_rows() -> None:
    parts = Parts(budget_bytes=3 << 20)
    parts.leaks["oversized-batches"].switch(on=True)
    assert parts.answer(rows=512).retries > 0
    parts.settings.change({"retry_smaller": False})
    assert refused(parts)
    parts.settings.change({"max_batch_size": 32})
    assert parts.answer(rows=512)[1:] == (16, 0)


def test_every_twin_keeps_no_tensor() -> None:
    parts = Parts()
    parts.growth(20, key="k", version="v")
    assert parts.growth(20) == 0
    for seed in range(40):
        parts.answer(seed=seed, key=f"k{seed}", version=f"v{seed}")
    level = parts.device.used_bytes()
    for seed in range(40, 80):
        parts.answer(seed=seed, key=f"k{seed}", version=f"v{seed}")
    assert parts.device.used_bytes() == level


def test_switching_a_leak_off_gives_nothing_back_and_dropping_references_does() -> None:
    parts = Parts()
    parts.growth(5)
    level = parts.device.used_bytes()
    for name in ("forgotten-hook", "running-loss"):
        parts.leaks[name].switch(on=True)
        assert parts.growth(10) == pytest.approx(parts.leaks[name].per_request, rel=0.01)
        parts.leaks[name].switch(on=False)
        assert parts.growth(10) == 0
    parts.references.drop()
    assert parts.device.used_bytes() == level


def test_a_kept_error_holds_the_tensors_of_its_frames() -> None:
    parts = Parts()
    parts.growth(5)
    parts.leaks["kept-errors"].switch(on=True)
    level = parts.device.used_bytes()
    try:
        parts.answer(label=128)
    except UnknownLabelError as error:
        parts.references.note_error(error)
    assert parts.device.used_bytes() - level == parts.leaks["kept-errors"].per_request
    assert parts.references.drop()["errors"] == 1
    gc.collect()  # asyncio.run leaves its task and the error in a cycle
    assert parts.device.used_bytes() == level


def test_bounds_come_back_at_the_level_held_and_clearing_releases_it() -> None:
    parts = Parts()
    for name in ("embedding-cache", "loaded-versions"):
        parts.leaks[name].switch(on=True)
    for seed in range(30):
        parts.answer(seed=seed, key=f"k{seed}", version=f"v{seed}")
    for name in ("embedding-cache", "loaded-versions"):
        parts.leaks[name].switch(on=False)
        assert not parts.leaks[name].on
    assert parts.growth(5, key="new", version="new") == 0
    assert (parts.embeddings.clear(), parts.versions.unload()) == (30, 30)
    assert (len(parts.embeddings), len(parts.versions)) == (0, 0)


def test_free_blocks_are_used_again_unless_the_leak_is_on() -> None:
    parts = Parts()
    parts.growth(3)
    parts.leaks["unused-blocks"].switch(on=True)
    assert parts.growth(10) == STATE_BYTES
    parts.leaks["unused-blocks"].switch(on=False)
    assert parts.growth(10) == 0
    assert parts.staging.empty() == 11 * STATE_BYTES


@pytest.mark.parametrize(("precision", "share"), [("half", 0.5), ("int8", 0.26)])
def test_smaller_weights_are_smaller_and_give_near_the_same_scores(precision: str, share: float) -> None:
    parts = Parts()
    before = parts.answer(seed=3).prediction
    parts.leaks["loaded-versions"].switch(on=True)
    parts.settings.change({"precision": precision})
    parts.growth(2)
    level = parts.device.used_bytes()
    parts.answer(version="v")
    assert parts.device.used_bytes() - level == pytest.approx(share * HEAD_BYTES, rel=0.05)
    assert parts.answer(seed=3).prediction == pytest.approx(before, abs=0.02)
    parts.settings.change({"precision": "float32"})
    assert parts.answer(seed=3).prediction == before


def test_checkpointing_saves_less_for_the_same_gradients() -> None:
    held = []
    for checkpointing in (False, True):
        parts = Parts()
        parts.growth(3)
        parts.settings.change({"checkpointing": checkpointing, "gradients": True})
        held.append(parts.growth(5))
    assert held[1] < 0.6 * held[0]
    network, x = Network("float32", "cpu"), torch.ones(2, 128)
    plain = torch.autograd.grad(network(x).scores.sum(), network.head.weight)[0]
    network.checkpointing = True
    assert torch.equal(plain, torch.autograd.grad(network(x).scores.sum(), network.head.weight)[0])


def test_a_change_of_precision_keeps_the_hook() -> None:
    parts = Parts()
    parts.leaks["forgotten-hook"].switch(on=True)
    parts.settings.change({"precision": "half"})
    parts.growth(1)
    assert parts.growth(4) == STATE_BYTES


@pytest.mark.parametrize(
    "fields",
    [{"rows": 0}, {"rows": 5000}, {"rows": True}, {"seed": "1"}, {"key": 5}, {"hold_s": -1}, {"hold_s": "1"},
     {"hold_s": float("nan")}, {"label": -1}, [], None],
)  # fmt: skip
def test_an_order_that_cannot_be_used_is_refused(fields: object) -> None:
    with pytest.raises(ValueError, match="expected"):
        read_order(fields)


def test_an_order_has_defaults() -> None:
    assert read_order({}) == Order()


def test_a_device_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(ValueError, match=r"this machine has .*cpu"):
        choose("abacus", budget_bytes=None)
