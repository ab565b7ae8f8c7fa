"""`leakdrill trace`: its words, its exit codes and its JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import typer
from typer.testing import CliRunner

from leakdrill.cli.trace import trace
from leakdrill.errors import BadInput

if TYPE_CHECKING:
    from pathlib import Path

app = typer.Typer()
app.command()(trace)


def recording(folder: Path, name: str, bytes_per_request: float) -> str:
    path = folder / name
    rows = [f"{20 + i},{1000 * i},{int(2e7 + bytes_per_request * 1000 * i)}" for i in range(30)]
    path.write_text("\n".join(["t,requests,rss_after", *rows]))
    return str(path)


def run(*args: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, args, catch_exceptions=False)
    return result.exit_code, result.output


@pytest.mark.parametrize(("size", "word", "code"), [(0, "CLEAN", 0), (500, "LEAK", 1)])
def test_the_word_decides_the_exit_code(tmp_path: Path, size: float, word: str, code: int) -> None:
    exit_code, output = run(recording(tmp_path, "run.csv", size))
    assert exit_code == code
    assert output.startswith(f"{word}  {tmp_path}/run.csv: ")


def test_unknown_exits_2_and_says_what_would_settle_it(tmp_path: Path) -> None:
    exit_code, output = run(recording(tmp_path, "run.csv", 500), "--longest-ttl", "1h")
    assert exit_code == 2
    assert "hint        record 2 h 30 min or longer" in output


def test_the_budget_is_a_size(tmp_path: Path) -> None:
    assert run(recording(tmp_path, "run.csv", 500), "--budget", "1KiB")[0] == 0


def test_a_promise_sets_the_budget(tmp_path: Path) -> None:
    promise = ("--survive", "30d", "--rate", "50/s", "--limit", "2GiB")
    exit_code, output = run(recording(tmp_path, "run.csv", 25), *promise)
    assert exit_code == 1
    assert "above the budget of 16.41 B" in output
    assert "out of memory in 19 d 16 h" in output


def test_json_has_the_same_facts(tmp_path: Path) -> None:
    exit_code, output = run(recording(tmp_path, "run.csv", 500), "--json", "--rate", "50/s", "--limit", "2GiB")
    facts = json.loads(output)
    assert exit_code == 1
    assert (facts["schema"], facts["word"], facts["outcome"]) == (1, "LEAK", "FAIL")
    assert facts["numbers"]["growth_bytes_per_request"] == pytest.approx(500, abs=1)
    assert facts["projection"]["soonest_s"] < facts["projection"]["latest_s"]


def test_a_baseline_is_compared(tmp_path: Path) -> None:
    leak, fix = recording(tmp_path, "leak.csv", 500), recording(tmp_path, "fix.csv", 0)
    exit_code, output = run(leak, "--baseline", fix)
    assert exit_code == 1
    assert "difference  500.0 B a request" in output


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--budget", "32"), '--budget: "32" is not a size'),
        (("--budget", "0B"), '--budget: "0B" is nothing'),
        (("--rate", "50/s"), "--rate and --limit belong together"),
        (("--survive", "30d"), "--survive needs --rate and --limit"),
        (("--longest-ttl", "10"), '--longest-ttl: "10" is not a duration'),
    ],
)
def test_options_that_cannot_be_used_are_bad_input(tmp_path: Path, options: tuple[str, ...], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        run(recording(tmp_path, "run.csv", 0), *options)
