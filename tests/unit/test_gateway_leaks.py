"""The gateway's leaks without a server: what each keeps, what it lets go, and what its switch does not release."""

from __future__ import annotations

import asyncio
import gc
import json
import time
import weakref
from io import BytesIO
from typing import TYPE_CHECKING

import pytest

from leaky_apps.gateway.batch_worker import DROP, KEEP, TENSOR_BYTES, work
from leaky_apps.gateway.call import Call, parse_call
from leaky_apps.gateway.inference import Inference, Workers
from leaky_apps.gateway.leaks.catastrophic_regex import CatastrophicRegex
from leaky_apps.gateway.leaks.checkpoints import Checkpoints
from leaky_apps.gateway.leaks.large_arrays import LargeArrays
from leaky_apps.gateway.leaks.leaked_files import LeakedFiles
from leaky_apps.gateway.leaks.retained_requests import RetainedRequests
from leaky_apps.gateway.leaks.stale_model_files import StaleModelFiles
from leaky_apps.gateway.leaks.temp_files import TempFiles
from leaky_apps.gateway.leaks.uncollected_requests import UncollectedRequests
from leaky_apps.gateway.leaks.unreleased_weights import UnreleasedWeights
from leaky_apps.gateway.model import Model
from leaky_apps.gateway.model_store import WEIGHT_BYTES, ModelStore
from leaky_apps.gateway.parts import Parts
from leaky_apps.leak import describe
from leaky_apps.service.profile import collapsed
from leaky_apps.service.spend import spend

if TYPE_CHECKING:
    from pathlib import Path


def call(number: int = 1, **more: object) -> Call:
    return parse_call(f"{number:010x}", json.dumps({"data": [[1, 2, 3]], **more}).encode())


def files(folder: Path) -> int:
    return len(list(folder.iterdir()))


def test_every_leak_declares_itself_and_is_off(tmp_path: Path) -> None:
    leaks = Parts(tmp_path).leaks
    assert len({leak.name for leak in leaks}) == len(leaks)
    for leak in leaks:
        told = describe(leak)
        assert not told["on"]
        assert leak.per_request > 0
        assert all(told[field] for field in ("request", "released_by", "not_released_by", "twin"))
        leak.switch(on=True)
        assert leak.on
        leak.switch(on=False)
        assert not leak.on


@pytest.mark.parametrize(
    "body",
    [b"{", b"[]", b"{}", b'{"data": [[1]], "key": 1}', b'{"data": [[1]], "model": "../../etc"}',
     b'{"data": [[1]], "model": "v\\u0661"}', b'{"data": [[1]], "rerank": 1}', b'{"data": [[1]], "text": ["a"]}'],
)  # fmt: skip
def test_a_body_that_is_no_call_is_refused_with_what_is_expected(body: bytes) -> None:
    with pytest.raises(ValueError, match="expected"):
        parse_call("1", body)


def test_a_tensor_is_64_kib_and_holds_the_rows(tmp_path: Path) -> None:
    tensor = call().tensor()
    assert (tensor.nbytes, tensor[0, :3].tolist()) == (65536, [1, 2, 3])
    assert Parts(tmp_path).leaks[0].per_request == tensor.nbytes


def test_the_trail_keeps_sixteen_and_while_it_leaks_all() -> None:
    leak = RetainedRequests()
    for _ in range(20):
        leak.see(call())
    assert len(leak._trail) == 16
    leak.switch(on=True)
    leak.see(call())
    leak.switch(on=False)
    leak.see(call())
    assert len(leak._trail) == 17


def test_a_context_in_a_cycle_lives_until_it_is_collected() -> None:
    leak = UncollectedRequests()
    leak.switch(on=True)
    try:
        leak.see(call())
        assert not gc.isenabled()
    finally:
        leak.switch(on=False)
    assert gc.isenabled()
    held = [weakref.ref(o) for o in gc.get_objects(generation=None) if type(o).__name__ == "_Context"]
    gc.unfreeze()
    gc.collect()
    assert not any(ref() for ref in held)


def test_versions_are_released_and_their_files_removed_unless_they_leak(tmp_path: Path) -> None:
    store = ModelStore(tmp_path / "m")
    for number in range(10):
        store.weights(f"v{number}")
    assert (len(store), files(tmp_path / "m")) == (4, 4)
    UnreleasedWeights(store).switch(on=True)
    for number in range(10, 20):
        store.weights(f"v{number}")
    assert (len(store), files(tmp_path / "m"), store.held_bytes) == (14, 4, 14 * WEIGHT_BYTES)
    StaleModelFiles(store).switch(on=True)
    for number in range(20, 30):
        store.weights(f"v{number}")
    assert files(tmp_path / "m") == 14
    assert store.clear() == 24
    assert (len(store), files(tmp_path / "m")) == (0, 0)


def test_a_version_is_the_same_from_its_file_and_where_there_is_no_disk(tmp_path: Path) -> None:
    fresh = ModelStore(tmp_path / "m").weights("v1")
    assert (ModelStore(tmp_path / "m").weights("v1") == fresh).all()
    (tmp_path / "file").write_bytes(b"")
    without = ModelStore(tmp_path / "file" / "m")
    assert (without.weights("v1") == fresh).all()
    assert without.write_errors == 1


def test_spool_files_and_checkpoints_go_unless_they_leak(tmp_path: Path) -> None:
    spool, checkpoints = TempFiles(tmp_path / "t"), Checkpoints(tmp_path / "c")
    for on, left in ((False, (0, 2)), (True, (32, 6)), (False, (32, 6))):
        for leak in (spool, checkpoints):
            leak.switch(on=on)
            for number in range(32):
                leak.see(call(number + 100 * on))
        assert (files(tmp_path / "t"), files(tmp_path / "c")) == left


def test_what_an_operator_deleted_is_not_removed_again_in_place_of_what_is_there(tmp_path: Path) -> None:
    checkpoints, store = Checkpoints(tmp_path / "c"), ModelStore(tmp_path / "m")
    checkpoints.switch(on=True)
    StaleModelFiles(store).switch(on=True)
    for number in range(64):
        checkpoints.see(call(number))
        store.weights(f"v{number}")
    for file in (*(tmp_path / "c").iterdir(), *(tmp_path / "m").iterdir()):
        file.unlink()
    checkpoints.switch(on=False)
    StaleModelFiles(store).switch(on=False)
    for number in range(64, 128):
        checkpoints.see(call(number))
        store.weights(f"v{number}")
    assert (files(tmp_path / "c"), files(tmp_path / "m")) == (2, 4)


def test_an_open_file_leaks_only_while_it_is_on(tmp_path: Path) -> None:
    leak = LeakedFiles(tmp_path / "v.txt")
    leak.see(call())
    assert not leak._open
    leak.switch(on=True)
    leak.see(call())
    assert not leak._open[0].closed
    leak._open[0].close()


def test_what_a_reranking_holds_follows_the_settings() -> None:
    inference = Inference()
    leak, block = LargeArrays(inference), Model().features(call().matrix)
    assert leak.score(block).nbytes <= 256 * 1024
    leak.switch(on=True)
    assert leak.score(block).nbytes == leak.per_request == 12 << 20
    inference.use_quantization = True
    assert leak.score(block).nbytes == 6 << 20
    inference.max_batch_size = 8
    assert leak.score(block).nbytes == (6 << 20) // 4
    inference.max_result_bytes = 100_000
    assert leak.score(block).nbytes <= 100_000


def test_a_prompt_is_valid_for_both_expressions_or_for_none() -> None:
    """The cost differs and the answer does not; only what ends in a character that fits nothing costs."""
    leak = CatastrophicRegex()
    leak.switch(on=True)
    before = time.thread_time()
    leak.see(call(text="a" * 1000))
    cheap = time.thread_time() - before
    leak.see(call(text="a" * 1000 + "!"))
    assert time.thread_time() - before - cheap >= leak.per_request


def test_spending_takes_the_processor_time_that_it_was_given() -> None:
    before = time.thread_time()
    assert spend(0.01, lambda: None) > 1
    assert time.thread_time() - before >= 0.01


def test_no_more_than_the_count_work_at_once_and_all_get_a_turn() -> None:
    async def run() -> int:
        workers, most = Workers(2), 0

        async def one() -> None:
            nonlocal most
            async with workers:
                most = max(most, workers.busy)
                await asyncio.sleep(0)

        await asyncio.gather(*(one() for _ in range(20)))
        return most + workers.busy

    assert asyncio.run(run()) == 2


def test_the_batch_worker_keeps_what_it_is_told_to() -> None:
    jobs = (KEEP + b"x" * TENSOR_BYTES) + (DROP + b"y" * TENSOR_BYTES) + b"torn"
    assert [job[:2] for job in work(BytesIO(jobs))] == [b"kx"]


def test_a_profile_of_a_process_with_one_thread_is_empty() -> None:
    """It leaves out the thread that takes it."""
    assert "collapsed" not in collapsed(0.01)
