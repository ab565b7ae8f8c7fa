"""Every file that Leakdrill reads: real ones, and what reads them. A reader returns an outcome, or None."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import stored_runs
import tool_recordings
from foreign_readers import readers_of

from leakdrill.alerting.routing import read_routing
from leakdrill.alerting.rules import read_rules
from leakdrill.files import read_file
from leakdrill.judging.analyze import judge_run
from leakdrill.judging.leak import gate_baseline
from leakdrill.judging.leak.leak_verdict import judge_trace
from leakdrill.judging.leak.trace import read_trace
from leakdrill.judging.recordings.read import read_recording
from leakdrill.judging.watch import watch_baseline
from leakdrill.judging.watch.plan import parse_modes, parse_phases
from leakdrill.load.corpus import read_corpus
from leakdrill.meters.service import parse_exposition
from leakdrill.record.journal import Journal
from leakdrill.record.reseal import reseal
from leakdrill.record.store import RunFolder, open_run, read_run_info
from leakdrill.record.undo import clean_runs
from leakdrill.record.verdict import worst
from leakdrill.record.verdict_file import read_verdicts
from leakdrill.runs.catalogue.coverage import read_coverage
from leakdrill.runs.catalogue.drill_result import verdicts_in
from leakdrill.runs.catalogue.matrix_plan import read_matrix
from leakdrill.runs.drill.torch_holders import holders
from leakdrill.scenario.reader import read_scenario
from leakdrill.targets.kubernetes.api import contexts_of
from leakdrill.targets.kubernetes.manifests import read_manifests
from leakdrill.yaml_file import read_yaml

if TYPE_CHECKING:
    from collections.abc import Callable

    from leakdrill.record.verdict import Outcome

ROOT: Final = Path(__file__).parents[2]
SCENARIOS: Final = ROOT / "scenarios"


@dataclass(frozen=True, slots=True)
class Reader:
    """How one kind of file is read.

    Attributes:
        name: of the kind.
        originals: real files of it, by the place in `folder` at which each is read.
        read: reads the file at a place; returns the word of an outcome where it judges.
        may_pass: whether a spoilt file may still be judged PASS, as where it was sealed again afterwards.
        of_a_folder: whether it reads the folder that the file is in.
        names_no_file: what it raises beside `BadInput`, where what is read is no file.
    """

    name: str
    originals: dict[Path, bytes]
    read: Callable[[Path], Any]
    may_pass: bool = False
    of_a_folder: bool = False
    names_no_file: tuple[type[Exception], ...] = ()


def readers(folder: Path) -> list[Reader]:
    """Returns a reader for each kind of file, with its originals in `folder`, which is empty."""
    shutil.copytree(SCENARIOS, folder / "scenarios")
    others = [Reader(name, originals, read) for name, originals, read in readers_of(folder)]
    return [*_of_yaml(folder), *_of_measurements(folder), *_of_runs(folder), *_of_answers(folder), *others]


def _kept(paths: list[Path]) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in paths if path.is_file()}


def _made(path: Path, content: bytes) -> dict[Path, bytes]:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return {path: content}


def _of_yaml(folder: Path) -> list[Reader]:
    catalogue = folder / "scenarios"
    coverage, matrices = sorted(catalogue.glob("*/coverage.yaml")), sorted(catalogue.glob("*/matrix.yaml"))
    others = {*coverage, *matrices, *catalogue.glob("rules/*"), *catalogue.glob("runbooks/*")}
    scenarios = sorted(set(catalogue.glob("*/*.yaml")) - others)
    rules = sorted(path for path in (catalogue / "rules").glob("*.yaml") if path.stem != "routing")
    manifests = _made(folder / "manifests.yaml", MANIFESTS)
    return [
        Reader("scenario", _kept(scenarios), read_scenario),
        Reader("rules", _kept(rules), lambda path: read_rules([path])),
        Reader("routing", _kept([catalogue / "rules" / "routing.yaml"]), _routing),
        Reader("matrix", _kept(matrices), read_matrix),
        Reader("coverage", _kept(coverage), lambda path: read_coverage([path], [])),
        Reader("manifests", manifests, lambda path: read_manifests([path])),
        Reader("kubeconfig", _made(folder / "kubeconfig", KUBECONFIG), lambda path: contexts_of(str(path))),
        Reader("any YAML", manifests, lambda path: read_yaml(path, expected="anything", scalars="text")),
    ]


def _routing(path: Path) -> None:
    read_routing(path, scale=60.0, webhook_url="http://127.0.0.1:9/")


def _recording(path: Path) -> Outcome:
    return judge_trace(read_recording(path, load_per_s=50.0, series="")).outcome.check_outcome


def _of_measurements(folder: Path) -> list[Reader]:
    traces = sorted((ROOT / "tests" / "recorded").rglob("*.csv"), key=lambda path: path.stat().st_size)[:4]
    copies: dict[Path, bytes] = {}
    for trace in traces:
        copies |= _made(folder / "traces" / trace.name, trace.read_bytes())
    others = dict[Path, bytes]()
    for name, (text, _, _) in tool_recordings.WHOLE.items():
        others |= _made(folder / "recordings" / name.replace(" ", "-"), text.encode())
    gate = folder / "gate.json"
    gate_baseline.write_baseline(gate, read_trace(traces[0]), CONDITIONS, bytes_per_request=0.0)
    return [
        Reader("trace", copies, lambda path: judge_trace(read_trace(path)).outcome.check_outcome, may_pass=True),
        Reader("recording of another tool", others, _recording, may_pass=True),
        Reader("gate baseline", _kept([gate]), lambda path: gate_baseline.read_baseline(path).trace()),
        Reader("watch baseline", _made(folder / "watch.json", WATCH_BASELINE), watch_baseline.read_baseline),
        Reader("corpus", _made(folder / "corpus.jsonl", CORPUS), read_corpus),
    ]


def _of_runs(folder: Path) -> list[Reader]:
    run = stored_runs.judged_run(folder / "runs")
    found = [run.run_json, run.history, run.verdicts]
    copy = RunFolder(folder / "forged" / "shop-cart" / "20260101T000000Z")
    shutil.copytree(run.path, copy.path)
    forged = _kept([copy.run_json, copy.history])
    journal = folder / "left" / "shop-cart" / "20260101T000000Z" / "journal.jsonl"
    journal.parent.mkdir(parents=True)
    written = Journal(journal)
    written.done(written.plan("process", command=["sleep"], run_id="x"), pid=2**22, create_time=1.0)
    written.plan("folder", path="/nowhere/at/all", part="target")
    written.close()
    return [
        Reader("run folder", _kept(found), _run, of_a_folder=True),
        Reader("run folder, sealed again", forged, _forged, may_pass=True, of_a_folder=True),
        Reader("run.json", _kept([run.run_json]), _run_json, of_a_folder=True),
        Reader("verdicts.json", _kept([run.verdicts]), read_verdicts),
        Reader("verdicts of a drill", _kept([run.verdicts]), lambda path: verdicts_in(path.parent), of_a_folder=True),
        Reader("journal", _kept([journal]), _clean, of_a_folder=True),
    ]


def _run(path: Path) -> Any:
    return worst(judge_run(open_run(path.parent)).verdicts)


def _run_json(path: Path) -> None:
    read_run_info(RunFolder(path.parent))


def _clean(path: Path) -> None:
    """Reads the journal as `leakdrill clean` does, with a table of ways back that touch nothing."""
    clean_runs(path.parents[2], dict.fromkeys(("process", "folder", "mount", "cgroup"), _nothing_left))


def _nothing_left(*_: Any, **__: Any) -> None:
    return None


def _forged(path: Path) -> Any:
    """Judges the run with a file that was changed by somebody who can seal it again."""
    run = RunFolder(path.parent)
    try:
        reseal(run)
    except Exception:  # noqa: BLE001 - what even a forger's tool cannot read is judged as it is
        run.verdicts.unlink(missing_ok=True)
    return worst(judge_run(run).verdicts)


def _of_answers(folder: Path) -> list[Reader]:
    snapshot = json.dumps({"segments": [{"blocks": [BLOCK, {**BLOCK, "size": 9}]}]}).encode()
    return [
        Reader("metrics page", _made(folder / "metrics", METRICS), _page, names_no_file=(ValueError, OSError)),
        Reader("torch snapshot", _made(folder / "snapshot", snapshot), _holders, names_no_file=CAUGHT_OF_TORCH),
        Reader(
            "mode",
            _made(folder / "mode", b"small below=4GiB A=1"),
            lambda path: parse_modes([_text(path)]),
            names_no_file=(OSError,),
        ),
        Reader(
            "phase",
            _made(folder / "phase", b"compile=cc1plus|ld"),
            lambda path: parse_phases([_text(path)]),
            names_no_file=(OSError,),
        ),
    ]


def _text(path: Path) -> str:
    """Returns what a command line can carry of the file."""
    return read_file(path)[:100_000].decode("utf-8", "surrogateescape")


def _mode(path: Path) -> None:
    parse_modes([_text(path)])


def _phase(path: Path) -> None:
    parse_phases([_text(path)])


def _page(path: Path) -> None:
    parse_exposition(read_file(path).decode(errors="replace"))


def _holders(path: Path) -> None:
    holders(json.loads(read_file(path)))


CAUGHT_OF_TORCH: Final = (
    ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError, OSError,
)  # fmt: skip
CONDITIONS: Final = gate_baseline.Conditions(
    scenario="shop", python="3.11", allocator="glibc", machine="x86_64", corpus="open", slots=8, slot_s=3.0, users=4,
    rate=50.0,
)  # fmt: skip
BLOCK: Final = {"state": "active_allocated", "size": 512, "frames": [{"filename": "a.py", "line": 3, "name": "f"}]}
METRICS: Final = b"""# HELP http_requests_total Requests.
# TYPE http_requests_total counter
http_requests_total{code="200",path="/a \\"b\\""} 1027 1395066363000
http_requests_total{code="500"} 3
# TYPE memory gauge
memory_bytes 1.5e+08
cache_entries NaN
# TYPE latency histogram
latency_bucket{le="0.1"} 4
latency_bucket{le="+Inf"} 5
latency_sum 1.2
latency_count 5
"""
CORPUS: Final = b"".join(
    json.dumps(
        {"n": n, "t": n / 10, "method": "GET", "path": f"/item/{n}", "headers": {"A": "b"}, "redirects": True,
         "status": 200, **({"body": "x"} if n % 2 else {"body_base64": "eA=="})}
    ).encode() + b"\n"
    for n in range(6)
)  # fmt: skip
WATCH_BASELINE: Final = json.dumps(
    {"schema_version": 1, "command": ["make"],
     "machine": {"system": "Linux", "architecture": "x86_64", "cpus": 8, "memory_bytes": 2**34},
     "runs": [{"started": "2026-01-01T00:00:00Z", "peak_bytes": 10**9, "area_byte_s": 1.0, "duration_s": 9.0,
               "programs": {"cc1plus": 10**9}}]}
).encode()  # fmt: skip
KUBECONFIG: Final = b"""apiVersion: v1
kind: Config
current-context: kind-a
clusters: [{name: a, cluster: {server: "https://127.0.0.1:6443"}}]
users: [{name: a, user: {token: abc}}]
contexts: [{name: kind-a, context: {cluster: a, user: a}}]
"""
MANIFESTS: Final = b"""apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: &labels {app: web}}
spec:
  replicas: 2
  selector: {matchLabels: *labels}
  template:
    metadata: {labels: *labels}
    spec:
      containers:
        - name: web
          image: web:1
          env: [{name: A, value: "1"}]
          resources: {limits: {memory: 256Mi}}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
"""
