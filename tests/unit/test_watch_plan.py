"""What is written after `leakdrill watch`: modes, phases, thresholds, and what processes are called."""

from __future__ import annotations

import pytest

from leakdrill.errors import BadInput
from leakdrill.judging.watch.naming import phase_of, program_name
from leakdrill.judging.watch.plan import parse_modes, parse_phases, starting_mode
from leakdrill.judging.watch.run_files import run_name
from leakdrill.runs.watch.command import signal_name
from leakdrill.runs.watch.watcher import Thresholds

GIB = 2**30
MODES = ["optimized", "safe below=4GiB NODE_OPTIONS=--max-old-space-size=3072", "critical below=2GiB 'A=b c' D=e=f"]


def test_a_mode_is_a_name_a_bound_and_variables_quoted_as_for_a_shell():
    optimized, safe, critical = parse_modes(MODES)
    assert (optimized.name, optimized.below_bytes, optimized.env) == ("optimized", None, {})
    assert (safe.below_bytes, safe.env) == (4 * GIB, {"NODE_OPTIONS": "--max-old-space-size=3072"})
    assert critical.env == {"A": "b c", "D": "e=f"}


@pytest.mark.parametrize(("free_gib", "name"), [(8, "optimized"), (4, "optimized"), (3, "safe"), (1, "critical")])
def test_a_run_starts_in_the_smallest_mode_whose_bound_exceeds_what_is_free(free_gib, name):
    modes = parse_modes(MODES)
    assert modes[starting_mode(modes, free_gib * GIB)].name == name


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["safe below=4"], '"4" is not a size'),
        (["safe NODE_OPTIONS"], "expected NAME [below=SIZE]"),
        (["safe 2X=1"], '"2X" cannot stand there'),
        (["below=4GiB"], '"below=4GiB" cannot stand there'),
        (["safe 'X=1"], "No closing quotation"),
        ([""], "expected NAME"),
        (["safe", "safe"], "two modes are called safe"),
        (["safe below=2GiB", "critical below=4GiB"], "from most to least memory"),
    ],
)
def test_what_is_no_mode_is_said(texts, said):
    with pytest.raises(BadInput) as told:
        parse_modes(texts)
    assert said in str(told.value)


@pytest.mark.parametrize("text", ["compile", "=x", "compile=", "compile=("])
def test_what_is_no_phase_is_bad_input(text):
    with pytest.raises(BadInput, match="--phase"):
        parse_phases([text])


def test_a_process_belongs_to_the_first_phase_that_its_command_matches_and_else_to_its_parents():
    rules = parse_phases(["link=collect2|ld$", "compile=cc1"])
    assert phase_of("/usr/lib/cc1plus -quiet", "", rules) == "compile"
    assert phase_of("as -o x.o", "compile", rules) == "compile"
    assert phase_of("make", "", rules) == "other"


@pytest.mark.parametrize(
    ("argv", "name"),
    [
        (["/usr/lib/gcc/cc1plus", "-quiet"], "cc1plus"),
        (["/usr/bin/python3.11", "-u", "tools/build.py", "x"], "python3.11 build.py"),
        (["python3", "-m", "pytest", "-q"], "python3 -m pytest"),
        (["sh", "-c", "make all"], "sh -c"),
        (["node", "--max-old-space-size=4096", "node_modules/.bin/vite", "build"], "node vite"),
        (["/bin/bash"], "bash"),
        (["python3", "-m"], "python3"),
        (["postgres: writer process   "], "postgres:"),
        ([""], "?"),
    ],
)
def test_a_program_is_called_by_its_file_and_an_interpreter_with_its_script(argv, name):
    assert program_name(argv) == name


def test_each_threshold_is_told_once_and_the_limit_itself_only_when_it_is_passed():
    thresholds = Thresholds(100)
    assert thresholds.crossed(74.9) == []
    assert thresholds.crossed(76) == [0.75]
    assert thresholds.crossed(80) == []
    assert thresholds.crossed(100) == [0.85, 0.95]
    assert thresholds.crossed(101) == [1.0]
    assert thresholds.crossed(200) == []
    assert Thresholds(None).crossed(1e12) == []


@pytest.mark.parametrize(("status", "name"), [(0, ""), (1, ""), (-9, "SIGKILL"), (137, "SIGKILL"), (134, "SIGABRT")])
def test_a_signal_is_seen_in_our_own_status_and_in_a_shells(status, name):
    assert signal_name(status) == name


def test_runs_of_one_command_share_a_folder_and_other_commands_have_others():
    assert run_name(("make", "-j4")) == run_name(("make", "-j4")) != run_name(("make", "-j8"))
    assert run_name(("/usr/bin/python3", "a b.py")).startswith("watch-python3-a-b-py-")
