"""The parts of the pipeline that need no server and no Redis."""

from __future__ import annotations

import gc
import os
import weakref
from typing import TYPE_CHECKING

import numpy as np
import pytest

from leaky_apps.pipeline.batches import CHARACTER_BYTES, Batching
from leaky_apps.pipeline.collector import NEVER, Collector
from leaky_apps.pipeline.graph import KnowledgeGraph
from leaky_apps.pipeline.leaks.large_batches import LargeBatches
from leaky_apps.pipeline.leaks.late_collection import LateCollection
from leaky_apps.pipeline.leaks.unpruned_graph import UnprunedGraph
from leaky_apps.pipeline.memory_budgets import MemoryBudgets
from leaky_apps.pipeline.memory_monitor import MemoryBudgetExceeded, MemoryMonitor, anonymous_bytes
from leaky_apps.pipeline.memory_profile import MemoryProfile, heaviest_lines, profile_asked_for
from leaky_apps.pipeline.segments import read_document, split
from leaky_apps.pipeline.speech import CHARACTERS, transcript
from leaky_apps.pipeline.store import BoundedStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def collector() -> Iterator[Collector]:
    before = gc.get_threshold()
    yield Collector()
    gc.set_threshold(*before)
    gc.collect()


def test_the_same_seed_says_the_same_and_another_one_something_else():
    assert transcript(7) == transcript(7)
    assert transcript(7) != transcript(8)
    assert len(transcript(7)) == CHARACTERS
    assert len(transcript(7, 100)) == 100


@pytest.mark.parametrize("longest", [1, 50, 200, 3000, 100_000])
def test_segments_lose_nothing_and_are_never_too_long(longest):
    text = transcript(1, 5000)
    parts = list(split(text, longest))
    assert "".join(parts) == text
    assert max(map(len, parts)) <= longest


def test_segments_end_with_a_sentence_where_they_can():
    assert list(split("One. Two. Three.", 10)) == ["One. Two. ", "Three."]
    assert list(split("", 10)) == []


def test_names_are_counted_by_segment_and_by_episode():
    document = read_document("e", "Ada Moreau met Omar Haddad. Ada Moreau left.", max_segment_length=30)
    assert [dict(segment.entities) for segment in document.segments] == [
        {"Ada Moreau": 1, "Omar Haddad": 1},
        {"Ada Moreau": 1},
    ]
    assert document.entities["Ada Moreau"] == 2


def test_a_batch_takes_its_padded_size_only_while_it_is_held():
    batching = Batching(batch_size=3, max_segment_length=100)
    document = read_document("e", transcript(1, 150), max_segment_length=100)
    with batching.embedded(document.segments) as features:
        assert features.nbytes == batching.held_bytes == batching.padded_bytes == 300 * CHARACTER_BYTES
        assert np.isfinite(features).all()
        assert (features != 0).all(), "a page that nobody wrote takes no memory"
    assert batching.held_bytes == 0


def test_a_smaller_batch_size_ends_the_large_batches_and_switching_off_brings_the_old_sizes_back():
    batching = Batching()
    leak = LargeBatches(batching)
    leak.switch(on=True)
    assert (leak.on, batching.padded_bytes) == (True, leak.per_request)
    batching.batch_size = 5
    assert not leak.on
    leak.switch(on=True)
    leak.switch(on=False)
    assert (batching.batch_size, batching.max_segment_length) == (5, 6000)


def test_a_store_holds_its_bound_and_knows_its_weight():
    store: BoundedStore[bytes] = BoundedStore(2, len)
    for key in "abc":
        store.put(key, b"xx")
    assert (store.get("a"), store.get("b"), len(store), store.held_bytes) == (None, b"xx", 2, 4)
    store.put("b", b"xxxx")
    assert (len(store), store.held_bytes) == (2, 6)


def test_binding_and_lowering_the_bound_release_nothing_and_shrinking_does():
    store: BoundedStore[bytes] = BoundedStore(2, len)
    store.unbind()
    for number in range(10):
        store.put(str(number), b"x")
    store.bind()
    store.max_entries = 1
    store.put("new", b"x")
    assert len(store) == 10
    assert store.shrink(2) == 8
    store.put("newer", b"x")
    assert [store.get(key) for key in ("9", "new", "newer")] == [None, b"x", b"x"]
    assert (store.clear(), store.held_bytes) == (2, 0)


def test_the_graph_knows_who_follows_whom_and_keeps_the_newest_episodes():
    graph = KnowledgeGraph(max_episodes=2)
    for episode in "abc":
        graph.add(read_document(episode, "Ada Moreau met Omar Haddad.", max_segment_length=100))
    assert graph.counts() == {"episodes": 2, "nodes": 2, "edges": 2}
    assert graph.neighbours("Ada Moreau", 5) == {"Omar Haddad": 2}
    assert graph.neighbours("Nobody There", 5) == {}


def test_pruning_ends_the_growth_of_the_graph_but_not_its_cause():
    graph = KnowledgeGraph(max_episodes=2)
    leak = UnprunedGraph(graph)
    leak.switch(on=True)
    for number in range(10):
        graph.add(read_document(str(number), "Ada Moreau met Omar Haddad.", max_segment_length=100))
    assert (graph.counts()["episodes"], graph.prune(), leak.on) == (10, 8, True)
    leak.switch(on=False)
    graph.add(read_document("last", "Ada Moreau left.", max_segment_length=100))
    assert graph.counts()["episodes"] == 2


def test_the_twin_frees_a_document_at_once_and_the_leak_waits_for_a_collection(collector):
    leak = LateCollection(collector)
    assert released(collector)() is None
    leak.switch(on=True)
    left = released(collector)
    assert left() is not None
    leak.switch(on=False)
    assert (left() is not None, released(collector)() is None) == (True, True)
    gc.collect()
    assert left() is None


def released(collector: Collector) -> weakref.ref[object]:
    document = read_document("e", "Ada Moreau met Omar Haddad.", max_segment_length=100)
    collector.release(document)
    probe = Probe()
    document.segments.append(probe)  # type: ignore[arg-type]
    return weakref.ref(probe)


class Probe:
    """Something that can be asked whether it is still there."""


def test_lowering_the_thresholds_is_what_the_leak_looks_at(collector):
    leak = LateCollection(collector)
    leak.switch(on=True)
    assert (leak.on, collector.thresholds[0]) == (True, NEVER)
    collector.thresholds = [700, 10, 10]
    assert not leak.on


def test_the_monitor_raises_beyond_its_budget_only():
    monitor = MemoryMonitor(lambda: 100, max_memory_bytes=100)
    monitor.check_memory_usage()
    monitor.max_memory_bytes = 99
    with pytest.raises(MemoryBudgetExceeded, match="100 bytes are in use; the budget is 99"):
        monitor.check_memory_usage()
    assert monitor.exceeded == 1
    monitor.max_memory_bytes = 0
    monitor.check_memory_usage()


def test_anonymous_bytes_are_those_of_a_process_and_none_when_it_is_gone():
    assert anonymous_bytes(os.getpid()) > 1 << 20
    assert anonymous_bytes(1 << 22) == 0


def test_a_component_over_its_budget_is_named():
    budgets = MemoryBudgets(transcripts=lambda: 0, graph=lambda: 1 << 30, caches=lambda: 0)
    assert [name for name, budget in budgets.show().items() if budget["over"]] == ["graph"]


def test_a_profile_is_written_only_when_asked_for_and_names_the_heaviest_line(tmp_path: Path):
    assert profile_asked_for({"PODCAST_KG_MEMORY_PROFILE": "false"}, tmp_path) is None
    assert profile_asked_for({}, tmp_path) is None
    profile = profile_asked_for({"PODCAST_KG_MEMORY_PROFILE": "true"}, tmp_path)
    assert isinstance(profile, MemoryProfile)
    kept = [bytes(1000) for _ in range(1000)]
    profile.write()
    profile.stop()
    assert __file__ in heaviest_lines(tmp_path / "memory_profile.bin", 1)[0]
    assert len(kept) == 1000
