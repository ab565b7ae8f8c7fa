"""The commands, and a group that loads the one that is called."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

from leakdrill import __version__
from leakdrill.cli.output import print_lines

SUMMARIES: Final = {
    "run": "Run a drill from start to verdict, or many side by side.",
    "check": "Say what cannot work in a scenario, and which series it will publish; nothing is started.",
    "analyze": "Judge a stored run again; needs nothing but its files.",
    "report": "Write an HTML page, JUnit XML, Markdown, JSON and OpenMetrics of a run; the exit code is the run's.",
    "compare": "Compare two runs of one scenario: what is better, worse, or not distinguishable.",
    "runs": "List stored runs by scenario, with their verdicts and how their numbers went from run to run.",
    "serve": "Serve the index and the pages of stored runs on loopback, until Ctrl-C; writes nothing.",
    "comment": "Keep one comment about a run up to date on the pull request of a GitHub or GitLab job.",
    "export": "Tell a stored drill to a Grafana, as annotations, or to an OTLP endpoint, as a trace.",
    "verify": "Say whether the record of a stored run is as the run wrote it.",
    "scenarios": "List the catalogue, or what it covers: instructions, alerts and steps.",
    "schema": "Print the JSON Schema of a scenario file, of a line of history.jsonl, or of verdicts.json.",
    "doctor": "Say what this machine can and cannot do, and what to install.",
    "clean": "Undo what interrupted drills left behind, from their journals.",
    "init": "Write a first scenario for your own service, which runs as it is.",
    "calibrate": "Play a drill once, and write the numbers that it measured into its file.",
    "gate": "Judge whether a service leaks memory, in about a minute.",
    "matrix": "Run leaks against steps, each cell a short drill, and compare with what the catalogue declares.",
    "trace": "Say whether the process in a recording leaks.",
    "envelope": "Say which leaks each alert sees before the kill, and where it fires for nothing.",
    "backtest": "Say when each alert would have been pending, fired and cleared in the past, beside what happened.",
    "mutate": "Make small wrong changes to each rule, and say which of them stored drills would not have noticed.",
    "watch": "Run any command and hold its memory, children included, to a limit and a baseline.",
    "runbook": "Read a runbook and say what each of its commands would do, and what cannot work in it.",
    "docs": "Print a page of the documentation, or the list of pages.",
    "completion": "Print a script that completes commands and options in your shell.",
    "version": "Print the version.",
}
"""Each command with the sentence that `leakdrill --help` shows. Command NAME is the function NAME in `cli/NAME.py`."""

GROUPS: Final = {
    "runbook": {
        "lint": "Say what each command of a runbook would do, and what cannot work as it is written.",
        "bind": "Write a first file of bindings: what the words of a runbook mean in a drill, as far as they tell.",
        "plan": "Say which commands of a runbook a rehearsal would carry out, where and as what, and which not.",
        "rehearse": "Carry a runbook out on a target that leaks, once for each option, and judge each command.",
        "documents": "Fill messages, a root-cause analysis and the average time to resolve from the records of runs.",
    },
}
"""The commands that have others below them; command NAME INNER is the function NAME_INNER in `cli/NAME_INNER.py`."""

COMPLETION_VARIABLE: Final = "_LEAKDRILL_COMPLETE"
"""Set by the script of `leakdrill completion` when it asks for completions."""

_HELP: Final = {"help_option_names": ["-h", "--help"]}
_SETTINGS: Final[Mapping[str, dict[str, Any]]] = {
    "watch": {"allow_interspersed_args": False},  # every word after the first of its command is the command's
}


class Commands(Mapping[str, Any]):
    """The commands by name, or those of one group; each is loaded when it is asked for."""

    def __init__(self, group: str = "") -> None:
        self._group = group
        self.summaries: Mapping[str, str] = GROUPS[group] if group else SUMMARIES

    def __getitem__(self, name: str) -> Any:
        """Returns Click's object for a command. Raises KeyError where there is none."""
        if name not in self.summaries:
            raise KeyError(name)
        if name in GROUPS and not self._group:
            return _group(name)
        own_name = f"{self._group}_{name}" if self._group else name
        alone = typer.Typer(add_completion=False, rich_markup_mode=None)
        function = getattr(import_module(f"leakdrill.cli.{own_name}"), own_name)
        alone.command(name, context_settings=_HELP | _SETTINGS.get(own_name, {}))(function)
        return typer.main.get_command(alone)

    def __iter__(self) -> Iterator[str]:
        return iter(self.summaries)

    def __len__(self) -> int:
        return len(self.summaries)


class CommandLine(TyperGroup):
    """A group of commands; its help loads none of them."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - Click's signature
        """Returns the names in the order of the table."""
        return list(self.commands)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - Click's signature
        """Writes one line, or a few, for each command."""
        commands: Any = self.commands
        with formatter.section("Commands"):
            formatter.write_dl(list(commands.summaries.items()))


def _group(name: str) -> CommandLine:
    return CommandLine(
        name=name,
        commands=Commands(name),  # type: ignore[arg-type]
        help=SUMMARIES[name],
        context_settings=_HELP,
        no_args_is_help=True,
        rich_markup_mode=None,
    )


def _show_version(asked: bool) -> None:
    if asked:
        print_lines(f"leakdrill {__version__}")
        raise typer.Exit


def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help=SUMMARIES["version"])
    ] = False,
) -> None:
    """The options that stand before the name of a command."""


def _as_parameters(function: Any) -> list[Any]:
    alone = typer.Typer(add_completion=False, rich_markup_mode=None)
    alone.command()(function)
    return [parameter for parameter in typer.main.get_command(alone).params if parameter.name != "help"]


COMMAND_LINE: Final = CommandLine(
    name="leakdrill",
    params=_as_parameters(_options),
    callback=_options,
    commands=Commands(),  # type: ignore[arg-type]
    help="Fire drills for resource leaks: a leak, a real alert, a runbook step, and proof that memory came back.",
    context_settings=_HELP,
    rich_markup_mode=None,
)
