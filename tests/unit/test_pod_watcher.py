"""What the record hears of pods: ends nobody asked for, once each, and nothing of those that we asked to go."""

from __future__ import annotations

import pytest

from leakdrill.record.recorder import Recorder
from leakdrill.targets.kubernetes.pod_watcher import PodWatcher

KILLED = {"terminated": {"exitCode": 137, "reason": "OOMKilled", "finishedAt": "2026-11-22T12:00:00Z"}}


class FakeCluster:
    """An API server that has the pods it is given."""

    def __init__(self):
        self.items = []

    def get(self, _path, **_query):
        return {"items": self.items}


@pytest.fixture
def recorder(tmp_path):
    made = Recorder(tmp_path / "history.jsonl")
    yield made
    made.close()


@pytest.fixture
def watch(recorder):
    cluster = FakeCluster()
    watcher = PodWatcher(
        cluster, namespace="run", name="web", query={"labelSelector": "app=web"}, container="web", recorder=recorder
    )  # fmt: skip

    def show(*items):
        cluster.items = list(items)
        watcher.look()
        return [e for e in recorder.history() if e.source == "target"]

    show.expect = watcher.expect_changes
    return show


@pytest.fixture
def watch_one(recorder):
    """The same of a watcher that was told of one pod."""
    cluster = FakeCluster()
    watcher = PodWatcher(
        cluster, namespace="run", name="web-1", query={"fieldSelector": "metadata.name=web-1"}, container="web",
        recorder=recorder, alone=True,
    )  # fmt: skip

    def show(*items):
        cluster.items = list(items)
        watcher.look()
        return watcher.lost, [e.name for e in recorder.history() if e.source == "target"]

    return show


def pod(name="web-1", *, ready=True, leaving=False, state=None, last=None, restarts=0, **status):
    meta = {"name": name, "uid": name, "creationTimestamp": name, **({"deletionTimestamp": "now"} if leaving else {})}
    mine = {
        "name": "web",
        "restartCount": restarts,
        "containerID": "docker://abc",
        "state": state or {"running": {}},
        "lastState": last or {},
    }
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
    return {"metadata": meta, "status": {"conditions": conditions, "containerStatuses": [mine], **status}}


def test_an_oom_kill_is_told_once_and_the_return_too(watch):
    watch(pod())
    watch(pod(ready=False, state=KILLED))
    told = watch(pod(ready=True, last=KILLED, restarts=1))
    assert [(e.name, e.labels.get("oom_kill")) for e in told] == [("exited", "true"), ("ready", None)]
    assert told[0].at is not None


def test_a_pod_that_was_asked_to_go_is_no_news_however_late_it_ends(watch):
    watch(pod())
    watch.expect(asked=True)
    watch(pod(leaving=True))
    watch.expect(asked=False)
    watch(pod(leaving=True, state=KILLED))
    assert watch() == []


def test_a_pod_that_somebody_else_deletes_is_told_once(watch):
    watch(pod())
    watch(pod(leaving=True))
    watch(pod(leaving=True, state=KILLED))
    (told,) = watch()
    assert (told.name, told.labels["reason"]) == ("exited", "somebody deleted its pod")


def test_a_pod_that_is_gone_at_once_is_told(watch):
    watch(pod())
    (told,) = watch()
    assert told.labels["reason"] == "it is gone from the cluster"


def test_an_eviction_is_told_with_its_reason(watch):
    watch(pod())
    told = watch(pod(ready=False, phase="Failed", reason="Evicted", message="low on memory"))
    assert [e.name for e in told] == ["trouble", "exited"]
    assert told[1].labels["reason"] == "Evicted: low on memory"


def test_a_trouble_is_told_when_it_begins_and_not_again(watch):
    waiting = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}}
    for _ in range(3):
        told = watch(pod(ready=False, state=waiting))
    assert [e.value for e in told] == ["CrashLoopBackOff: back-off 10s"]


def test_one_pod_that_somebody_deletes_is_lost_and_no_end_of_the_service_is_told(watch_one):
    assert watch_one(pod()) == (None, [])
    lost, told = watch_one(pod(leaving=True))
    assert lost == "pod web-1: somebody deleted its pod"
    assert told == ["unwatched"]
    assert watch_one() == (lost, told)


def test_one_pod_that_vanishes_is_lost(watch_one):
    watch_one(pod())
    assert watch_one()[0] == "pod web-1: it is gone from the cluster"


def test_another_pod_of_the_same_name_is_not_the_one(watch_one):
    watch_one(pod())
    another = pod()
    another["metadata"]["uid"] = "another"
    lost, told = watch_one(another)
    assert lost == (
        "pod web-1: it is gone from the cluster; another of its name runs in its place, which is not the target"
    )
    assert told == ["unwatched"]


def test_a_container_that_is_killed_in_one_pod_has_ended(watch_one):
    watch_one(pod())
    watch_one(pod(ready=False, state=KILLED))
    assert watch_one(pod(ready=True, last=KILLED, restarts=1)) == (None, ["exited", "ready"])
