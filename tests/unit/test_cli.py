"""The command line maps what happens to exit codes, and never shows a traceback for what the user wrote."""

import inspect
import json
from importlib import import_module

import pytest

from leakdrill.cli.commands import GROUPS, SUMMARIES
from leakdrill.cli.main import exit_code


def test_a_scenario_that_is_not_there_is_bad_input(capsys):
    assert exit_code(["run", "gateway/unbouned-cache"]) == 3
    assert "did you mean gateway/unbounded-cache?" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["run", "gate", "matrix", "analyze", "report", "init"])
def test_a_name_that_is_too_long_for_a_file_is_bad_input(command, capsys):
    more = ["--command", "true"] if command == "init" else []
    assert exit_code([command, "x" * 300, *more]) == 3
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["rnu"], ["run"], ["run", "--no-such-option", "x"], ["analyze"], []])
def test_a_mistake_on_the_command_line_exits_3_and_not_2_which_means_unknown(arguments, capsys):
    assert exit_code(arguments) == 3
    captured = capsys.readouterr()
    assert captured.err or captured.out
    assert "Traceback" not in captured.err


def test_help_is_no_mistake(capsys):
    assert exit_code(["--help"]) == 0
    assert "analyze" in capsys.readouterr().out


@pytest.mark.parametrize("of", ["scenario", "history", "verdicts"])
def test_every_schema_is_json(of, capsys):
    assert exit_code(["schema", of]) == 0
    assert json.loads(capsys.readouterr().out)["type"] == "object"


def test_an_unknown_schema_is_bad_input(capsys):
    assert exit_code(["schema", "rules"]) == 3
    assert "expected one of scenario, history, verdicts" in capsys.readouterr().err


def test_the_catalogue_is_the_same_as_json(capsys):
    assert exit_code(["scenarios", "--json"]) == 0
    assert "gateway/healthy" in {entry["name"] for entry in json.loads(capsys.readouterr().out)}


def test_what_is_no_run_is_bad_input(tmp_path, capsys):
    assert exit_code(["analyze", str(tmp_path)]) == 3
    assert "is not a run folder" in capsys.readouterr().err


def test_with_nothing_left_behind_clean_says_so(tmp_path, capsys):
    assert exit_code(["clean", "--runs", str(tmp_path)]) == 0
    assert "nothing is left behind" in capsys.readouterr().out


@pytest.mark.parametrize("name", [name for name in SUMMARIES if name not in GROUPS])
def test_the_list_of_commands_says_what_each_says_of_itself(name, capsys):
    function = getattr(import_module(f"leakdrill.cli.{name}"), name)
    assert inspect.getdoc(function).startswith(SUMMARIES[name])
    assert exit_code([name, "--help"]) == 0
    assert f"leakdrill {name}" in capsys.readouterr().out


@pytest.mark.parametrize(("group", "name"), [(group, name) for group, inner in GROUPS.items() for name in inner])
def test_a_command_of_a_group_says_what_the_list_says_of_it(group, name, capsys):
    function = getattr(import_module(f"leakdrill.cli.{group}_{name}"), f"{group}_{name}")
    assert inspect.getdoc(function).startswith(GROUPS[group][name])
    assert exit_code([group, name, "--help"]) == 0
    assert f"leakdrill {group} {name}" in capsys.readouterr().out


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_lists_its_commands_and_an_unknown_one_is_bad_input(group, capsys):
    assert exit_code([group, "--help"]) == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in GROUPS[group])
    assert exit_code([group, "no-such"]) == 3
