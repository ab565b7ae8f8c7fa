"""Gives every reader spoilt files: each must be read, or refused in a sentence that names the file. No PASS, no wait.

python tests/spoilt_files/spoilt_files.py [INPUTS]      prints a table, and exits with 1 when anything was wrong
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import stat
import sys
import tempfile
import time
import warnings
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, Final

import hypothesis
from hypothesis import strategies as st
from mutations import bombs, encodings, spoilt_bytes, spoilt_values
from readers import Reader, readers

from leakdrill.errors import BadInput, EnvironmentProblem
from leakdrill.record.verdict import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST_S: Final = 5.0
MOST_BYTES: Final = 4 * 2**30
KINDS_OF_PLACES: Final = ("pipe", "socket", "folder", "loop", "nothing", "/dev/zero", "/dev/null", "sealed", "huge")


class TooSlow(BaseException):
    """Raised by the clock in a reader that has not come back."""


@dataclass
class Score:
    """What became of the inputs of one reader."""

    tried: int = 0
    refused: int = 0
    slowest_s: float = 0.0
    wrong: Counter[str] = field(default_factory=Counter)
    examples: dict[str, bytes] = field(default_factory=dict)


@contextlib.contextmanager
def clock(longest_s: float | None = None) -> Iterator[None]:
    """Raises `TooSlow` in what takes so many seconds of CPU time, else `LONGEST_S`."""
    longest_s = longest_s or LONGEST_S

    def ring(*_: Any) -> None:
        raise TooSlow

    before = {number: signal.signal(number, ring) for number in (signal.SIGALRM, signal.SIGPROF)}
    signal.setitimer(signal.ITIMER_PROF, longest_s)
    signal.setitimer(signal.ITIMER_REAL, longest_s * 6)  # one that sleeps; others may have the processor
    try:
        yield
    finally:
        for clock, number in ((signal.ITIMER_PROF, signal.SIGPROF), (signal.ITIMER_REAL, signal.SIGALRM)):
            signal.setitimer(clock, 0)
            signal.signal(number, before[number])


def try_file(reader: Reader, path: Path, content: bytes | None, score: Score, *, spoilt: bool = True) -> None:
    """Reads `path`, with `content` in it, and notes in `score` what is wrong with how that ended."""
    score.tried += 1
    began = time.process_time()
    fault = ""
    try:
        with clock():
            outcome = reader.read(path)
        if outcome is Outcome.PASS and spoilt and not reader.may_pass:
            fault = "PASS"
    except (BadInput, EnvironmentProblem) as e:
        score.refused += 1
        if path.name not in str(e) and not str(e).startswith(("--", "target")):  # which the caller places
            fault = f"names no file: {str(e)[:100]}"
    except reader.names_no_file:
        score.refused += 1
    except TooSlow:
        fault = f"took more than {LONGEST_S:.0f} s"
    except Exception as e:  # noqa: BLE001 - what we look for
        fault = where(e)
    score.slowest_s = max(score.slowest_s, time.process_time() - began)
    if fault:
        score.wrong[fault] += 1
        score.examples.setdefault(fault, (content or b"")[:2000])


def where(error: Exception) -> str:
    """Returns what an error is, and the last line of ours that it comes through."""
    place, at = "", error.__traceback__
    while at is not None:
        if "leakdrill" in at.tb_frame.f_code.co_filename:
            place = f"{Path(at.tb_frame.f_code.co_filename).name}:{at.tb_lineno}"
        at = at.tb_next
    return f"{type(error).__name__} at {place}: {str(error)[:100]}"


def try_all(reader: Reader, inputs: int) -> Score:
    """Gives `reader` so many inputs, half of them bytes and half of them values, the fixed ones first."""
    score, random = Score(), Random(reader.name)  # noqa: S311 - to be the same each time
    for path, content in reader.originals.items():
        others = {other: kept for other, kept in reader.originals.items() if other.parent == path.parent}
        fixed = list(_fixed(content)) if path == next(iter(reader.originals)) else [content]
        share = max(0, inputs // len(reader.originals) - len(fixed))
        for number, data in enumerate([*fixed, *_random(content, share, random)]):
            for other, kept in others.items():
                other.write_bytes(data if other == path else kept)
            try_file(reader, path, data, score, spoilt=data != content and bool(number))
        _restore(others)
    return score


def _fixed(content: bytes) -> Iterator[bytes]:
    yield content
    yield from bombs().values()
    yield from (spoilt for _, spoilt in encodings(content))


def _random(content: bytes, count: int, random: Random) -> Iterator[bytes]:
    for number in range(count):
        if number % 2:
            yield spoilt_bytes(content, random)
            continue
        try:
            yield spoilt_values(content, random)
        except Exception:  # noqa: BLE001 - not every file has values, and not all of them can be written
            yield spoilt_bytes(content, random)


def _restore(originals: dict[Path, bytes]) -> None:
    for path, content in originals.items():
        path.unlink(missing_ok=True)
        path.write_bytes(content)


def try_hypothesis(reader: Reader, inputs: int, score: Score) -> None:
    """Gives `reader` files that Hypothesis makes up: bytes, text, and JSON of any shape."""
    path, original = next(iter(reader.originals.items()))
    plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
    trees = st.recursive(plain, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner))
    files = st.binary(max_size=300) | st.text().map(_encoded) | trees.map(_as_json)

    @hypothesis.settings(max_examples=inputs, derandomize=True, database=None, deadline=None,
                         suppress_health_check=list(hypothesis.HealthCheck))  # fmt: skip
    @hypothesis.given(files)
    def attempt(content: bytes) -> None:
        path.write_bytes(content)
        try_file(reader, path, content, score)

    attempt()
    _restore({path: original})


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _as_json(tree: Any) -> bytes:
    import json  # noqa: PLC0415 - beside its use

    return json.dumps(tree).encode()


def try_places(reader: Reader, score: Score) -> None:
    """Puts what is no plain file in the place of the reader's file, and asks for names that no file has."""
    path, original = next(iter(reader.originals.items()))
    for kind in KINDS_OF_PLACES:
        path.unlink(missing_ok=True)
        _put(path, kind)
        if not (kind == "sealed" and os.geteuid() == 0):  # for root nothing is sealed
            try_file(reader, path, kind.encode(), score)
        if path.is_dir():
            path.rmdir()
    _restore({path: original})
    for name in () if reader.of_a_folder else ("x" * 300, "a\0b", "nowhere/at/all", "\udcff"):
        try_file(reader, path.parent / name, name.encode("utf-8", "surrogateescape"), score)


def _put(path: Path, kind: str) -> None:
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        os.mknod(path, stat.S_IFSOCK | 0o600)
    elif kind == "folder":
        path.mkdir()
    elif kind == "loop":
        path.symlink_to(path.name)
    elif kind == "sealed":
        path.touch(0o000)
    elif kind == "huge":
        with path.open("wb") as file:
            file.truncate(100 * 2**20)
    elif kind != "nothing":
        path.symlink_to(kind)


def scores(inputs: int, *, names: tuple[str, ...] = ()) -> dict[str, Score]:
    """Returns the score of each reader, of which each gets its share of `inputs`."""
    found = {}
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(), _quick_rules():
        warnings.simplefilter("error")
        chosen = [one for one in readers(Path(folder)) if not names or one.name in names]
        for reader in chosen:
            share = inputs // len(chosen)
            found[reader.name] = score = try_all(reader, share * 4 // 5)
            try_hypothesis(reader, max(1, share // 5), score)
            try_places(reader, score)
    return found


@contextlib.contextmanager
def _quick_rules() -> Iterator[None]:
    """Hides promtool, which looks at rules after us, and takes a tenth of a second."""
    before = os.environ["PATH"]
    os.environ["PATH"] = ""
    try:
        yield
    finally:
        os.environ["PATH"] = before


def main(arguments: list[str]) -> int:
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))  # a reader of /dev/zero ends here, not the machine
    began = time.monotonic()
    found = scores(int(arguments[0]) if arguments else 24_000, names=tuple(arguments[1:]))
    for name, score in found.items():
        wrong = sum(score.wrong.values())
        said = f"{score.tried:>7} inputs{score.refused:>7} refused{wrong:>6} wrong{score.slowest_s:>7.2f} s the slowest"
        print(f"{name:<26}{said}")
        for fault, count in score.wrong.most_common(12):
            print(f"    {count:>5} times: {fault}    such as {score.examples[fault][:160]!r}")
    tried, wrong = sum(s.tried for s in found.values()), sum(sum(s.wrong.values()) for s in found.values())
    print(f"{tried:,} inputs, {wrong:,} wrong, in {time.monotonic() - began:.0f} s")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))
    sys.exit(main(sys.argv[1:]))
