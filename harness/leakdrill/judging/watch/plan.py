"""The plan of one watched run, as frozen data: written into its `run.json`, read again by `analyze`."""

from __future__ import annotations

import itertools
import re
import shlex
from typing import Annotated, Final

from pydantic import Field

from leakdrill.errors import BadInput
from leakdrill.expression import check_expression
from leakdrill.judging.watch.watch_baseline import Baseline, Bytes, MachineClass
from leakdrill.scenario.quantities import Frozen
from leakdrill.units import parse_size, show_size

WARN_AT: Final = (0.75, 0.85, 0.95)
"""Shares of the limit that are reported on standard error as they are crossed."""

MOST_RETRIES: Final = 1000
"""Each mode needs less memory than the one before it: nobody has more of them."""

OTHER: Final = "other"
"""The phase of processes that no phase names."""

_MODE_HELP: Final = (
    "NAME [below=SIZE] [VARIABLE=VALUE ...], such as 'safe below=4GiB NODE_OPTIONS=--max-old-space-size=3072'"
)
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Mode(Frozen):
    """A way to run the command that needs less memory than the mode before it.

    Attributes:
        name: such as optimized, safe or critical.
        below_bytes: the run starts in this mode when less is available; None: only as the first, or as a retry.
        env: added to the command's environment.
    """

    name: str
    below_bytes: Bytes | None = None
    env: dict[str, str] = Field(default_factory=dict)


class PhaseRule(Frozen):
    """A part of the command's work: the processes whose command line `pattern` is found in, and their children."""

    name: str
    pattern: str


class WatchPlan(Frozen):
    """One watched run.

    Attributes:
        command: argv.
        limit_bytes: what the whole process tree may use; None when nothing was asked.
        enforce: whether the limit should be a cgroup's, so that the kernel kills above it.
        baseline: what earlier runs used; None when it was not asked for, or is only now written.
        incomparable: why `baseline` must not be compared with this run; empty when it may.
        tolerance: how far above the highest recorded peak is still as before.
        modes: from the one that needs most memory to the one that needs least.
        phases: in the order in which they are tried on a command line.
        retries: how often a run that memory ended is tried again, each time in the next mode.
        retry_any: try again whatever ended it.
        machine: what runs it.
    """

    command: Annotated[tuple[str, ...], Field(min_length=1)]
    limit_bytes: Bytes | None = None
    enforce: bool = False
    baseline: Baseline | None = None
    incomparable: str = ""
    tolerance: Annotated[float, Field(ge=0)] = 0.10
    modes: tuple[Mode, ...] = ()
    phases: tuple[PhaseRule, ...] = ()
    retries: Annotated[int, Field(ge=0, le=MOST_RETRIES)] = 0
    retry_any: bool = False
    machine: MachineClass

    @property
    def command_line(self) -> str:
        """The command as a person would type it."""
        return shlex.join(self.command)


def parse_modes(texts: list[str]) -> tuple[Mode, ...]:
    """The modes written as `NAME [below=SIZE] [VARIABLE=VALUE …]`, quoted as for a shell.

    Raises:
        BadInput: for what is no mode, for a name that is used twice, and for thresholds that do not fall.
    """
    modes = tuple(_mode(text) for text in texts)
    names = [mode.name for mode in modes]
    if len(set(names)) < len(names):
        raise BadInput(f"--mode: two modes are called {max(names, key=names.count)}; expected names of their own")
    bounds = [(mode.name, mode.below_bytes) for mode in modes if mode.below_bytes is not None]
    for (larger, above), (smaller, below) in itertools.pairwise(bounds):
        if below >= above:
            raise BadInput(
                f"--mode {smaller}: below={show_size(below)} after {larger} with below={show_size(above)}; "
                "expected modes from most to least memory"
            )
    return modes


def _mode(text: str) -> Mode:
    try:
        name, *settings = shlex.split(text)
        pairs = dict(setting.split("=", 1) for setting in settings)
        below = pairs.pop("below", None)
        bound = parse_size(below) if below is not None else None
    except ValueError as e:
        raise BadInput(f'--mode "{text}": {e}', hint=f"expected {_MODE_HELP}") from e
    wrong = [pair for pair in pairs if not _VARIABLE.fullmatch(pair)]
    if wrong or "=" in name:
        raise BadInput(f'--mode "{text}": "{(wrong or [name])[0]}" cannot stand there', hint=f"expected {_MODE_HELP}")
    return Mode(name=name, below_bytes=bound, env=pairs)


def parse_phases(texts: list[str]) -> tuple[PhaseRule, ...]:
    """The phases written as `NAME=REGEX`.

    Raises:
        BadInput: for what is no phase, and for a pattern that does not compile.
    """
    rules = []
    for text in texts:
        name, separator, pattern = text.partition("=")
        if not (name and separator and pattern):
            raise BadInput(f'--phase "{text}" is no phase; expected NAME=REGEX, such as compile=cc1plus')
        try:
            check_expression(pattern)
        except ValueError as e:
            raise BadInput(f'--phase {name}: "{pattern}" is no regular expression: {e}') from e
        rules.append(PhaseRule(name=name, pattern=pattern))
    return tuple(rules)


def starting_mode(modes: tuple[Mode, ...], available_bytes: float) -> int:
    """The index of the mode to start in: the last one whose `below` is above what is available; 0 when none is."""
    fitting = [i for i, m in enumerate(modes) if m.below_bytes is not None and available_bytes < m.below_bytes]
    return max(fitting, default=0)
