"""Changes single numbers of stored runs, seals them again, and lets everything that reads a run read them.

None of it may raise anything but a refusal that names the file, take long, warn, or pass what rests on the number.

python tests/spoilt_files/spoilt_numbers.py [CASES]      prints what went wrong, and exits with 1 when anything did
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import warnings
from collections import Counter
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, Final

import orjson
from number_runs import stored_of_each_kind
from spoilt_files import TooSlow, clock, where

from leakdrill.errors import BadInput
from leakdrill.exports.grafana import push_annotations
from leakdrill.exports.moments import moments
from leakdrill.exports.otlp import trace_of
from leakdrill.judging.analyze import judge_run, verify_run
from leakdrill.judging.compare.comparison import compare as compared
from leakdrill.judging.compare.stored_run import StoredRun, read_stored_run
from leakdrill.judging.incidents.incident import incident
from leakdrill.judging.incidents.recorded import RecordedRun
from leakdrill.judging.incidents.resolution_times import resolution_times
from leakdrill.judging.watch.run_files import is_watch
from leakdrill.record.history import read_history
from leakdrill.record.store import read_run_info
from leakdrill.record.verdict import Outcome, worst
from leakdrill.record.verdict_file import verdicts_as_json
from leakdrill.reports.comparison import comparison_json, comparison_markdown
from leakdrill.reports.documents import DocumentTemplates
from leakdrill.reports.index.run_row import read_row
from leakdrill.reports.index.write import index_html, index_json
from leakdrill.reports.junit import junit_xml
from leakdrill.reports.markdown import markdown
from leakdrill.reports.openmetrics import openmetrics
from leakdrill.reports.page.comparison_page import comparison_page
from leakdrill.reports.page.run_page import run_content, run_page
from leakdrill.reports.page.write import page_html
from leakdrill.reports.picture.timeline_svg import timeline_svg

if TYPE_CHECKING:
    from collections.abc import Callable

    from number_runs import Place, Stored

    from leakdrill.record.verdict import Verdict

MOST_BYTES: Final = 2**30
LONGEST_S: Final = 10.0
VALUES: Final = (
    "-1", "0", "1e300", "-1e300", str(2**63), str(2**64), "NaN", "Infinity", "-Infinity", "1e-320", "true", '"5"',
    "null", "[]",
)  # fmt: skip
"""What stands in the place of a number, as JSON or what Python writes for it."""
IMPOSSIBLE: Final = ("-1", "1e300", "-1e300", str(2**63), str(2**64), "NaN", "Infinity", "-Infinity")
"""Those that no meter reads."""

_FILES: Final = ("run.json", "history.jsonl", "the two runs")


class StandIn:
    """A Grafana that has nothing and takes everything that is JSON with times of 64 bits."""

    def call(self, method: str, path: str, _answer: Any, body: Any = None) -> Any:
        if method == "POST":
            orjson.dumps(body)
            assert all(0 <= body[key] < 2**63 for key in ("time", "timeEnd")), path
        return []


def look_at(stored: Stored, before: StoredRun, more: int) -> list[Verdict]:
    """Has a run judged, and rendered in one of several ways, by `more`."""
    folder = stored.folder
    judged = judge_run(folder)
    if judged.seal.fault:
        raise BadInput(judged.seal.fault)
    verdicts = judged.verdicts
    _WAYS[more % len(_WAYS)](stored, before, verdicts)
    return verdicts


def _report(stored: Stored, _before: StoredRun, verdicts: list[Verdict]) -> None:
    run_page(stored.folder, verdicts, verify_run(stored.folder))
    for text in (junit_xml(verdicts, name="a"), markdown(verdicts, name="a"), openmetrics(verdicts, name="a")):
        assert "Traceback" not in text
    orjson.loads(verdicts_as_json(verdicts))


def _picture(stored: Stored, _before: StoredRun, verdicts: list[Verdict]) -> None:
    if not is_watch(stored.folder):
        timeline_svg(run_content(stored.folder, verdicts, read_history(stored.folder.history)))


def _runs(stored: Stored, _before: StoredRun, _verdicts: list[Verdict]) -> None:
    rows = [read_row(stored.folder.path, stored.folder.path.parents[1], runs_still=False)]
    index_html(rows, title="runs", link=lambda _row: "")
    orjson.loads(index_json(rows))


def _compare(stored: Stored, before: StoredRun, _verdicts: list[Verdict]) -> None:
    after = read_stored_run(stored.folder)
    found = compared(before, after)
    page_html(comparison_page(before, after, found))
    comparison_markdown(found)
    orjson.loads(comparison_json(found))


def _export(stored: Stored, _before: StoredRun, verdicts: list[Verdict]) -> None:
    if is_watch(stored.folder) or (info := read_run_info(stored.folder)).kind != "drill":
        return
    found = moments(read_history(stored.folder.history), info, verdicts)
    push_annotations(StandIn(), found, run_id="a", scenario="b")  # type: ignore[arg-type]
    orjson.dumps(trace_of(found, verdicts, run_id="a", scenario="b", target="c"))
    assert all(0 <= one.start_ns <= one.end_ns < 2**63 for one in found)


def _documents(stored: Stored, _before: StoredRun, verdicts: list[Verdict]) -> None:
    if is_watch(stored.folder) or (info := read_run_info(stored.folder)).kind != "drill":
        return
    one = incident(RecordedRun(info, read_history(stored.folder.history), verdicts), update_every_s=300.0)
    DocumentTemplates().documents([one], resolution_times([one]))
    json.dumps(one.as_dict())


_WAYS: Final[tuple[Callable[[Stored, StoredRun, list[Verdict]], None], ...]] = (
    _report, _picture, _runs, _compare, _export, _documents,
)  # fmt: skip


def try_case(stored: Stored, before: StoredRun, place: Place, value: str, more: int) -> str:
    """Returns what is wrong with how everything fared with `value` at `place`; empty when nothing is."""
    stored.write(*_changed(stored, place, value.encode()))
    try:
        with clock(LONGEST_S):
            verdicts = look_at(stored, before, more)
    except BadInput as e:
        return "" if any(name in str(e) for name in _FILES) else f"names no file: {e}"
    except TooSlow:
        return f"took more than {LONGEST_S:.0f} s"
    except Exception as e:  # noqa: BLE001 - what we look for
        return where(e)
    number, path = place
    if number is not None and path[0] == "value" and value in IMPOSSIBLE and worst(verdicts) is Outcome.PASS:
        return "PASS"
    return next((f"{v.check} broke: {v.message}" for v in verdicts if "itself broke" in v.message), "")


def _changed(stored: Stored, place: Place, value: bytes) -> tuple[bytes, list[bytes]]:
    number, path = place
    run_json, lines = orjson.dumps(stored.run_json), [orjson.dumps(line) for line in stored.lines]
    if number is None:
        return _with(stored.run_json, path, value), lines
    lines[number] = _with(stored.lines[number], path, value)
    return run_json, lines


def _with(tree: Any, path: tuple[str | int, ...], value: bytes) -> bytes:
    """`tree` as JSON with `value`, which may be none, at `path`."""
    tree = orjson.loads(orjson.dumps(tree))
    owner = tree
    for key in path[:-1]:
        owner = owner[key]
    owner[path[-1]] = "HERE"
    return orjson.dumps(tree).replace(b'"HERE"', value)


def wrong_cases(cases: int, root: Path, *, seed: str = "numbers") -> tuple[int, Counter[str], dict[str, str]]:
    """Tries so many cases, of all kinds of runs alike; returns their number, and what was wrong with an example."""
    wrong: Counter[str] = Counter()
    examples: dict[str, str] = {}
    runs, random = stored_of_each_kind(root), Random(seed)  # noqa: S311 - to be the same each time
    before = {one.name: read_stored_run(one.folder) for one in runs}
    every = [(one, place, value) for one in runs for place in one.places() for value in VALUES]
    random.shuffle(every)
    for one, place, value in every[:cases]:
        fault = try_case(one, before[one.name], place, value, random.randrange(99))
        if fault:
            wrong[fault] += 1
            line = "run.json" if place[0] is None else "{source}/{name}/{kind}".format(**one.lines[place[0]])
            examples.setdefault(fault, f"{one.name}: {line} {'.'.join(map(str, place[1]))} = {value}")
    return min(cases, len(every)), wrong, examples


def main(arguments: list[str]) -> int:
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
    cases, seed = [*arguments, "100000", "numbers"][:2] if len(arguments) != 1 else [arguments[0], "numbers"]
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("error")
        tried, wrong, examples = wrong_cases(int(cases), Path(folder), seed=seed)
    for fault, count in wrong.most_common():
        print(f"{count:>5} times: {fault}\n             such as {examples[fault]}")
    print(f"{tried:,} changed numbers, {sum(wrong.values()):,} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))
    sys.exit(main(sys.argv[1:]))
