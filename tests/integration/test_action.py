"""action.yml: its steps run as written, with a `leakdrill` that says what it was called with."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[2]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
STEPS: dict[str, dict[str, Any]] = {step["name"]: step for step in ACTION["runs"]["steps"]}
STAND_IN = """#!/bin/sh
printf '%s\\n' "$*" >>"$CALLS"
case $1 in
run | gate) mkdir -p "$4/shop-cart/20260101T000000Z"; ln -sfn 20260101T000000Z "$4/shop-cart/latest"; exit $STATUS ;;
report) mkdir -p leakdrill-reports; : >leakdrill-reports/report.xml; exit $STATUS ;;
comment) exit ${COMMENT_STATUS:-0} ;;
esac
"""


def do(name: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs one step as a runner does: `bash --noprofile --norc -eo pipefail`."""
    program = folder / "bin" / "leakdrill"
    program.parent.mkdir(exist_ok=True)
    program.write_text(STAND_IN)
    program.chmod(0o755)
    output = folder / "output"
    output.touch()
    own = {"PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}", "CALLS": str(folder / "calls")}
    more = {"GITHUB_OUTPUT": str(output), "ACTION_PATH": str(ROOT), "STATUS": "0", **environment}
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", STEPS[name]["run"]]
    return subprocess.run(command, cwd=folder, env={**own, **more}, capture_output=True, text=True, check=False)


def calls(folder: Path) -> list[str]:
    return (folder / "calls").read_text().splitlines()


def outputs(folder: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in (folder / "output").read_text().splitlines())


def test_nothing_from_outside_stands_in_a_script() -> None:
    scripts = [step["run"] for step in STEPS.values() if "run" in step]
    assert not [script for script in scripts if "${{" in script]
    assert all(step["shell"] == "bash" for step in STEPS.values() if "run" in step)


def test_every_input_is_described_and_used() -> None:
    text = json.dumps(ACTION["runs"])
    assert all(given["description"] for given in ACTION["inputs"].values())
    assert {name for name in ACTION["inputs"] if f"inputs.{name}" not in text} == set()
    assert set(re.findall(r"inputs\.([\w-]+)", text)) <= set(ACTION["inputs"])


@pytest.mark.parametrize("status", ["0", "1", "2", "3", "4"])
def test_the_verdict_is_the_exit_code_and_comes_last(tmp_path: Path, status: str) -> None:
    done = do("Drill", tmp_path, SCENARIO="a b.yaml", COMMAND="run", RUNS="my runs", STATUS=status)
    assert done.returncode == 0, done.stderr
    assert calls(tmp_path) == ["run a b.yaml --runs my runs"]
    assert outputs(tmp_path) == {"exit-code": status, "run": "my runs/shop-cart/latest"}
    assert list(STEPS)[-1] == "Verdict"
    assert str(do("Verdict", tmp_path, STATUS=status).returncode) == status


def test_another_command_is_refused_before_anything_is_called(tmp_path: Path) -> None:
    done = do("Drill", tmp_path, SCENARIO="x", COMMAND="clean; rm", RUNS="runs")
    assert done.returncode == 3
    assert not (tmp_path / "calls").exists()


def test_reports_and_comment_name_the_run_and_what_it_is_compared_with(tmp_path: Path) -> None:
    for status in ("0", "1"):
        assert do("Reports", tmp_path, RUN="runs/a/latest", AGAINST="", STATUS=status).returncode == 0
    assert do("Reports", tmp_path, RUN="runs/a/latest", AGAINST="old run").returncode == 0
    assert do("Comment", tmp_path, RUN="runs/a/latest", AGAINST="old run").returncode == 0
    assert calls(tmp_path)[-2:] == [
        "report runs/a/latest --out leakdrill-reports --against old run",
        "comment runs/a/latest --against old run",
    ]


def test_a_comment_that_cannot_be_written_is_a_warning_and_no_verdict(tmp_path: Path) -> None:
    done = do("Comment", tmp_path, RUN="runs/a/latest", AGAINST="", COMMENT_STATUS="4")
    assert done.returncode == 0
    assert done.stdout.startswith("::warning")


@pytest.mark.parametrize(
    ("line", "place"),
    [
        (
            'leakdrill: scenarios/x.yaml:14: alerts.expect[0].fires_within: "5 minuets" is not a duration',
            ("scenarios/x.yaml", "14"),
        ),
        ("leakdrill: my-drill/rules.yml:3: expr: cannot be parsed", ("my-drill/rules.yml", "3")),
        ("leakdrill: the two runs cannot be compared", None),
        ("12:30:01 target: x.yaml:3: hello", None),
    ],
)
def test_a_mistake_in_a_file_is_annotated_where_it_stands(line: str, place: tuple[str, str] | None) -> None:
    (matcher,) = json.loads((ROOT / ".ci" / "problem-matcher.json").read_text())["problemMatcher"]
    pattern = matcher["pattern"][0]
    found = re.match(pattern["regexp"], line)
    assert (found and (found[pattern["file"]], found[pattern["line"]])) == place
