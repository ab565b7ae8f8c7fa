"""Services, Prometheus and Alertmanager that answer in every broken way: each asker says what it saw, and in time."""

from __future__ import annotations

import contextlib
import gzip
import time
import tracemalloc
from types import SimpleNamespace

import broken_server as broken
import httpx
import pytest
from broken_server import answers, broken_server

from leakdrill.alerting.inhibited import InhibitionPoller
from leakdrill.alerting.kubelet_series import KubeletSeries
from leakdrill.alerting.prometheus_api import NoAnswer, PrometheusApi
from leakdrill.alerting.states import AlertPoller
from leakdrill.alerting.watched import WatchedPrometheus
from leakdrill.alerting.watched_delivery import DeliveryWatcher
from leakdrill.errors import BadInput, TargetNotReady
from leakdrill.machine.http_access import ANYONE
from leakdrill.machine.http_client import bounded_client
from leakdrill.meters.replica_requests import ReplicaRequests
from leakdrill.meters.service import ServiceMeter
from leakdrill.meters.torch_allocator import TorchMeter
from leakdrill.record.events import AlertmanagerPoll, KubeletScrape, PrometheusPoll
from leakdrill.record.recorder import Recorder
from leakdrill.scenario.actions import HttpCall
from leakdrill.steps.failure import StepFailed
from leakdrill.steps.http import call, fetch
from leakdrill.targets.base.readiness import Readiness

pytestmark = pytest.mark.integration

WAYS = [
    broken.drips_headers,
    broken.drips_the_body,
    broken.never_ends,
    broken.sends_200_mb,
    broken.sends_garbage,
    broken.never_answers,
    broken.closes,
]
SENSELESS = [
    b"",
    b"[]",
    b"null",
    b"7",
    b'"up"',
    b"[" * 100_000,
    b'{"status":"success"}',
    b'{"status":"success","data":[]}',
    b'{"status":"success","data":{"groups":7,"result":7}}',
    b'{"status":"success","data":{"groups":[1],"result":["x"]}}',
    b'{"status":"success","data":{"groups":[{"rules":[3]}],"result":[{"metric":null,"values":[[]]}]}}',
    b'{"status":"success","data":{"groups":[{"lastEvaluation":"never"}],"result":[{}],"activeTargets":[{}]}}',
]


def named(way):
    return way.__name__


@pytest.fixture
def recorded(tmp_path):
    """A recorder, and the events of it after it is closed."""
    recorder = Recorder(tmp_path / "history.jsonl")
    yield recorder
    recorder.close()


def events_of(recorder, event_class):
    seen = []
    recorder.subscribe(lambda event: seen.append(event) if event_class.read(event) else None)
    return seen


@pytest.mark.parametrize("way", WAYS, ids=named)
def test_an_exchange_ends_at_its_deadline_or_its_bound_with_one_kind_of_error(way):
    began = time.monotonic()
    with broken_server(way) as url, bounded_client(timeout_s=0.5) as client, pytest.raises(httpx.HTTPError):
        client.get(url)
    assert time.monotonic() - began < 1.5


def test_a_gzip_bomb_is_never_unpacked():
    with broken_server(broken.sends_a_gzip_bomb) as url, bounded_client(timeout_s=1.0) as client:
        assert len(client.get(url).content) < 100_000


def test_one_deadline_holds_for_each_exchange_of_a_connection_that_is_kept():
    with broken_server(answers(b"ok")) as url, bounded_client(timeout_s=0.5) as client:
        for _ in range(4):
            assert client.get(url).text == "ok"
            time.sleep(0.2)


@pytest.mark.parametrize("way", [*WAYS, broken.sends_a_gzip_bomb], ids=named)
def test_a_metrics_page_that_is_none_is_a_reading_that_is_missing(way):
    with broken_server(way) as url:
        meter = ServiceMeter(url, access=ANYONE)
        with pytest.raises(OSError, match=r"GET http://127\.0\.0\.1"):
            meter.read()
        meter.close()


@pytest.mark.parametrize("page", [b'x{a="', b'{"a":1}', b"\\" * 9000, b"y" * 20_000])
def test_a_page_in_no_format_is_a_reading_that_is_missing(page):
    with broken_server(answers(page)) as url:
        meter = ServiceMeter(url, access=ANYONE)
        with pytest.raises(OSError, match="not Prometheus' text format"):
            meter.read()
        replicas = ReplicaRequests(lambda: {"one": url}, "/metrics", access=ANYONE)
        assert replicas.read() is None
        meter.close()
        replicas.close()


@pytest.mark.parametrize("document", [*SENSELESS, b'{"allocated_bytes.all.current": 1' + b"0" * 400 + b"}"])
def test_statistics_that_are_none_are_a_reading_that_is_missing(document):
    with broken_server(answers(document)) as url:
        meter = TorchMeter(url, access=ANYONE)
        with pytest.raises(OSError, match="GET"):
            meter.read()
        meter.close()


def test_a_page_that_was_compressed_unasked_is_read():
    with (
        broken_server(answers(gzip.compress(b"up 1\n"))) as url,
        contextlib.closing(ServiceMeter(url, access=ANYONE)) as meter,
    ):
        assert meter.read() == {"up": 1.0}


def test_a_service_that_is_down_has_nothing_to_read():
    with broken_server(broken.closes) as url:
        pass
    with contextlib.closing(ServiceMeter(url, access=ANYONE)) as meter:
        assert meter.read() is None


READY = pytest.mark.parametrize(
    ("way", "outcome"),
    [
        (broken.never_answers, "failed: no answer in time"),
        (broken.drips_headers, "failed: no answer in time"),
        (broken.sends_garbage, "failed: the answer is no HTTP"),
        (broken.redirects, "answered 302 with a redirect to 'http://192.0.2.1/elsewhere', which is not followed"),
    ],
)


def readiness(url, tmp_path):
    return Readiness(
        subject="target 'x'", url=url, timeout_s=0.2, exit_status=lambda: None, log=tmp_path / "log", access=ANYONE
    )


@pytest.mark.long
@READY
def test_what_breaks_is_not_ready(way, outcome, tmp_path):
    with broken_server(way) as url, pytest.raises(TargetNotReady, match=outcome):
        readiness(url, tmp_path).wait()


@pytest.mark.parametrize("way", [broken.never_ends, broken.sends_200_mb, broken.sends_a_gzip_bomb], ids=named)
def test_a_service_is_ready_by_its_status_however_long_its_answer_is(way, tmp_path):
    tracemalloc.start()
    with broken_server(way) as url:
        readiness(url, tmp_path).wait()
    assert tracemalloc.get_traced_memory()[1] < 20_000_000
    tracemalloc.stop()


def step(url, **more):
    return call(HttpCall(path="/x", method="GET", timeout="500ms", **more), target_at(url))


def target_at(url):
    return SimpleNamespace(base_url=url, token="", access=ANYONE)


@pytest.mark.parametrize("way", [w for w in WAYS if w is not broken.sends_200_mb], ids=named)
def test_a_step_whose_answer_breaks_fails_at_its_timeout(way):
    began = time.monotonic()
    with broken_server(way) as url, pytest.raises(StepFailed, match="GET http"):
        step(url)
    assert time.monotonic() - began < 1.5


def test_a_step_is_not_redirected():
    with (
        broken_server(broken.redirects) as url,
        pytest.raises(StepFailed, match="answered 302 with a redirect to"),
    ):
        step(url)


def test_the_long_answer_of_a_step_is_read_to_its_end_and_not_kept():
    with broken_server(answers(b"x" * 20_000_000)) as url:
        assert len(step(url)["answer"]) == 201


def test_what_is_copied_out_goes_to_its_file_as_it_comes(tmp_path):
    with broken_server(answers(b"x" * 20_000_000)) as url:
        fetch("/heap", target_at(url), tmp_path / "heap", timeout_s=5.0)
    assert (tmp_path / "heap").stat().st_size == 20_000_000


@pytest.mark.parametrize("answer", SENSELESS)
def test_a_prometheus_that_makes_no_sense_did_not_answer(answer, recorded):
    polls, scrapes = events_of(recorded, PrometheusPoll), events_of(recorded, KubeletScrape)
    with broken_server(answers(answer)) as url:
        poller, kubelets = AlertPoller(url, recorded), KubeletSeries(url, "kubelet", recorded)
        poller.poll()
        kubelets._look()
        kubelets.stop()
        poller.stop()
    assert [PrometheusPoll.read(p).values for p in polls] == [{}, {}], polls
    assert KubeletScrape.read(scrapes[0]).error


@pytest.mark.parametrize("answer", SENSELESS)
def test_a_prometheus_that_makes_no_sense_cannot_be_watched(answer):
    with broken_server(answers(answer)) as url, pytest.raises(BadInput, match="answers as a Prometheus does"):
        WatchedPrometheus(url)


@pytest.mark.parametrize("answer", [*SENSELESS, b'[{"labels": 3}]', b'[{"labels": {}, "status": []}]'])
def test_an_alertmanager_that_makes_no_sense_did_not_answer(answer, recorded):
    polls = events_of(recorded, AlertmanagerPoll)
    with broken_server(answers(answer)) as url:
        for watcher in (DeliveryWatcher(url, recorded), InhibitionPoller(url, recorded)):
            watcher.poll()
            watcher.stop()
    assert AlertmanagerPoll.read(polls[0]).error


@pytest.mark.long
@pytest.mark.parametrize("way", WAYS, ids=named)
def test_a_prometheus_that_breaks_did_not_answer(way):
    with broken_server(way) as url:
        began = time.monotonic()
        with contextlib.closing(PrometheusApi(url)) as api, pytest.raises(NoAnswer):
            api.groups()
        assert time.monotonic() - began < 4.0
