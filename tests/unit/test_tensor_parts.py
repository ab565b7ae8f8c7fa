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

from leakdrill.runs.drill.torch_holders import holders
from leaky_apps.tensor import statistics
from leaky_apps.tensor.device import choose
from leaky_apps.tensor.holdings import Holdings
from leaky_apps.tensor.inference import Inference, UnknownLabelError
from leaky_apps.tensor.leaks import every_leak
from leaky_apps.tensor.ledger import OutOfMemory
from leaky_apps.tensor.network import STATE_BYTES, Network
from leaky_apps.tensor.order import Order, read_order
from leaky_apps.tensor.processor import Processor
from leaky_apps.tensor.settings import tensor_settings
from leaky_apps.tensor.versions import HEAD_BYTES

if TYPE_CHECKING:
    from leaky_apps.leak import Leak
    from leaky_apps.tensor.inference import Result


class Parts:
    """A service without its server, on a processor with a budget."""

    def __init__(self, budget_bytes: int = 1 << 28) -> None:
        self.device = Processor(budget_bytes)
        self.held = Holdings(self.device)
        self.references, self.staging = self.held.references, self.held.staging
        self.versions, self.embeddings = self.held.versions, self.held.embeddings
        self.inference = Inference(self.device, self.held)
        self.leaks: dict[str, Leak] = {leak.name: leak for leak in every_leak(self.inference, self.held)}
        self.settings = tensor_settings(self.inference, self.device, self.references)

    def answer(self, **fields: object) -> Result:
        return asyncio.run(self.inference.answer(read_order(fields)))

    def growth(self, count: int, **fields: object) -> float:
        before = self.device.allocated_bytes()
        for seed in range(count):
            self.answer(seed=seed, **fields)
        return (self.device.allocated_bytes() - before) / count


def test_the_ledger_counts_what_lives_and_forgets_what_ended() -> None:
    device = Processor()
    with device.watch():
        kept = torch.zeros(1024)
        passing = torch.ones(1024)
    assert device.allocated_bytes() == 8192
    del passing
    assert device.allocated_bytes() == 4096
    assert "tensors 1\n" in device.summary()
    del kept
    assert device.allocated_bytes() == 0


def test_the_ledger_counts_what_only_a_graph_holds() -> None:
    """What autograd saves has no name in Python, and is counted all the same."""
    device = Processor()
    with device.watch():
        x = torch.ones(1024, requires_grad=True)
        total = (x.exp() * 2).sum()
    assert device.allocated_bytes() >= 8192
    del total
    assert device.allocated_bytes() == 4096


def test_beyond_the_budget_is_out_of_memory_and_nothing_stays() -> None:
    device = Processor(budget_bytes=40 << 20, fraction=0.5)
    with pytest.raises(torch.OutOfMemoryError, match="out of memory"), device.watch():
        torch.zeros(6 << 20)
    assert device.allocated_bytes() == 0
    device.fraction = 1.0
    with device.watch():
        assert torch.zeros(6 << 20).nbytes == device.allocated_bytes()


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
    level = parts.device.allocated_bytes()
    for seed in range(40, 80):
        parts.answer(seed=seed, key=f"k{seed}", version=f"v{seed}")
    assert parts.device.allocated_bytes() == level


def test_switching_a_leak_off_gives_nothing_back_and_dropping_references_does() -> None:
    parts = Parts()
    parts.growth(5)
    level = parts.device.allocated_bytes()
    for name in ("forgotten-hook", "running-loss"):
        parts.leaks[name].switch(on=True)
        assert parts.growth(10) == pytest.approx(parts.leaks[name].per_request, rel=0.01)
        parts.leaks[name].switch(on=False)
        assert parts.growth(10) == 0
    parts.references.drop()
    assert parts.device.allocated_bytes() == level


def test_a_kept_error_holds_the_tensors_of_its_frames() -> None:
    parts = Parts()
    parts.growth(5)
    parts.leaks["kept-errors"].switch(on=True)
    level = parts.device.allocated_bytes()
    try:
        parts.answer(label=128)
    except UnknownLabelError as error:
        parts.references.note_error(error)
    assert parts.device.allocated_bytes() - level == parts.leaks["kept-errors"].per_request
    assert parts.references.drop()["errors"] == 1
    gc.collect()  # asyncio.run leaves its task and the error in a cycle
    assert parts.device.allocated_bytes() == level


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
    level = parts.device.allocated_bytes()
    parts.answer(version="v")
    assert parts.device.allocated_bytes() - level == pytest.approx(share * HEAD_BYTES, rel=0.05)
    assert parts.answer(seed=3).prediction == pytest.approx(before, abs=0.02)
    parts.settings.change({"precision": "float32"})
    assert parts.answer(seed=3).prediction == before


def test_dynamic_quantization_keeps_no_tensor_of_the_weights_and_gives_near_the_same_scores() -> None:
    parts = Parts()
    before = parts.answer(seed=3).prediction
    parts.leaks["loaded-versions"].switch(on=True)
    parts.settings.change({"precision": "dynamic"})
    parts.growth(2)
    gc.disable()
    try:
        level = parts.device.allocated_bytes()
        parts.answer(version="v")
        assert parts.device.allocated_bytes() - level <= 512, "its bias"
    finally:
        gc.enable()
    assert parts.answer(seed=3).prediction == pytest.approx(before, abs=0.02)


def test_on_a_card_dynamic_quantization_is_refused_with_the_reason() -> None:
    parts = Parts()
    parts.device.name = "cuda"
    with pytest.raises(ValueError, match=r"precision: found 'dynamic'; .*on the processor only"):
        tensor_settings(parts.inference, parts.device, parts.references).change({"precision": "dynamic"})


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
     {"hold_s": float("nan")}, {"label": -1}, {"source": "tape"}, {"stream": 1}, {"source": "loader", "rows": 8}, [],
     None],
)  # fmt: skip
def test_an_order_that_cannot_be_used_is_refused(fields: object) -> None:
    with pytest.raises(ValueError, match="expected"):
        read_order(fields)


def test_an_order_has_defaults() -> None:
    assert read_order({}) == Order()


def test_a_device_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(ValueError, match=r"this machine has .*cpu"):
        choose("abacus", budget_bytes=None)


@pytest.mark.parametrize("name", ["kept-outputs", "forgotten-no-grad"])
def test_a_graph_that_nobody_asked_for_is_kept_until_the_references_go(name: str) -> None:
    parts = Parts()
    parts.growth(5)
    level = parts.device.allocated_bytes()
    parts.leaks[name].switch(on=True)
    assert parts.growth(10) == pytest.approx(parts.leaks[name].per_request, rel=0.02)
    parts.settings.change({"gradients": False})
    assert not parts.leaks[name].on
    assert parts.growth(10) == pytest.approx(0, abs=512)
    assert parts.device.allocated_bytes() > level + 9 * parts.leaks[name].per_request
    assert sum(parts.references.drop().values()) >= 1
    assert parts.device.allocated_bytes() == level


def test_a_captured_pass_gives_the_same_scores_and_each_new_stream_keeps_its_buffers() -> None:
    parts = Parts()
    plain = parts.answer(seed=3).prediction
    assert [parts.answer(seed=3, stream="a").prediction for _ in range(2)] == [plain, plain]
    for number in range(6):
        parts.answer(seed=1, stream=f"s{number}")
    assert len(parts.held.graphs) == 4
    parts.leaks["captured-graphs"].switch(on=True)
    level = parts.device.allocated_bytes()
    for number in range(10):
        parts.answer(seed=1, stream=f"new{number}")
    assert (parts.device.allocated_bytes() - level) / 10 == parts.leaks["captured-graphs"].per_request
    parts.settings.change({"precision": "half"})
    assert len(parts.held.graphs) == 0


def test_a_buffer_of_the_host_is_used_again_unless_the_leak_is_on() -> None:
    parts = Parts()
    for on, kept in ((False, 1), (True, 10), (False, 10)):
        parts.leaks["pinned-buffers"].switch(on=on)
        for seed in range(10):
            parts.answer(seed=seed, source="host")
        assert parts.held.transfers.held_bytes // STATE_BYTES in {kept, kept + 1}
    assert parts.held.transfers.finish()["waiting"] == 10
    assert parts.held.transfers.held_bytes == 0


def test_a_buffer_whose_pass_failed_is_given_back_too() -> None:
    parts = Parts()
    with pytest.raises(UnknownLabelError):
        parts.answer(source="host", label=500)
    parts.answer(source="host")
    assert parts.held.transfers.held_bytes == STATE_BYTES


def test_emptying_the_cache_gives_back_what_is_free_and_nothing_that_is_referenced() -> None:
    parts = Parts()
    parts.growth(3)
    parts.device.empty_cache()
    level = parts.device.used_bytes()
    parts.leaks["forgotten-hook"].switch(on=True)
    parts.growth(100)
    parts.device.empty_cache()
    held = parts.device.used_bytes()
    assert held - level >= 100 * 2 * STATE_BYTES
    parts.references.drop()
    assert parts.device.used_bytes() == held
    assert parts.device.statistics()["allocated_bytes.all.current"] == parts.device.allocated_bytes()
    parts.device.empty_cache()
    assert parts.device.used_bytes() <= level + (2 << 20)


def test_a_snapshot_names_the_line_that_made_each_tensor() -> None:
    parts = Parts()
    parts.leaks["embedding-cache"].switch(on=True)
    for number in range(40):
        parts.answer(seed=number, key=f"k{number}")
    place, held = next(iter(holders({"segments": parts.device.snapshot()}).items()))
    assert place.startswith("tensor/network.py:")
    assert held >= 40 * STATE_BYTES


def test_statistics_are_torchs_own_names() -> None:
    """On a machine without a card torch answers with nothing, so the names are looked up in its documentation."""
    said = Processor().statistics()
    documented = torch.cuda.memory_stats.__doc__ or ""
    assert all(name.partition(".")[0] in documented for name in said)
    assert set(said) == set(statistics.HELP)
    assert statistics.published(statistics.SPLIT) == "torch_inactive_split_bytes_all_current"
    assert (statistics.unused_bytes(said), statistics.fragmentation(said)) == (0, 0.0)
    assert statistics.fragmentation({statistics.SPLIT: 1, statistics.RESERVED: 4}) == 0.25


def test_the_host_is_no_card_and_as_large_as_the_machine() -> None:
    host = choose("host", budget_bytes=1 << 20)
    assert not host.of_card
    assert host.total_bytes() > 1 << 28
