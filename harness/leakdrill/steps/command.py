"""Run a line of shell as a runbook has it, and keep what it says.

The line is somebody's text: braces in it are braces, and only the words `@{…}` mean something of the drill. Its exit
status is a fact for the record and no failure: a search that finds nothing ends with 1.
"""

from __future__ import annotations

import os
import re
import shlex
import time
from typing import TYPE_CHECKING, Final

from leakdrill.errors import LeakdrillError
from leakdrill.machine.execute import execute
from leakdrill.machine.process_tree import RUN_ID_VARIABLE
from leakdrill.printable import printable_lines
from leakdrill.steps.failure import StepFailed
from leakdrill.steps.output import OUTPUT, output_tail
from leakdrill.targets.base.capabilities import Executable, KnownOutside, Signallable
from leakdrill.units import show_size

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from leakdrill.scenario.actions import Command
    from leakdrill.steps.context import StepContext, Surroundings

NEEDS: Final = (Executable,)
WORD: Final = re.compile(r"@\{(url|prometheus|pid|port|disk|name|token|container|pod|namespace|context)\}")
"""A word of a line that means something of the drill."""
SAID_CHARS: Final = 4000
"""How much of the output is in the record; all of it is in the run folder."""
_SHELL: Final = (
    "sh",
    "-c",
    't=$(printf %s "$@"); if command -v bash >/dev/null 2>&1; then exec bash -c "$t"; else exec sh -c "$t"; fi',
    "sh",
)
"""Runs its arguments, joined, as one line of the better of the two shells."""
_INSIDE: Final = {"pid": "{pid}", "port": "{port}", "disk": "{disk}", "url": "http://127.0.0.1:{port}"}
"""What a word means inside the target, in the words that the target fills in itself."""
_BRACE: Final = re.compile(r"(?<=\{)(?=[a-z_]+\})")


def act(action: Command, context: StepContext) -> dict[str, str]:
    """Runs the line to its end; what it left running is ended.

    Raises:
        StepFailed: when it cannot be run here, or does not end in time.
    """
    output, began = context.folder / OUTPUT, time.monotonic()
    try:
        status = _run(action, context, output)
    except LeakdrillError as e:
        raise StepFailed(f"{e}{output_tail(output)}") from e
    took_s, said = time.monotonic() - began, _said(output)
    if action.keeps is not None and context.surroundings is not None:
        context.surroundings.variables[action.keeps] = said
    size = show_size(output.stat().st_size)
    return {"exit": str(status), "took_s": f"{took_s:.3f}", "output": str(output), "output_size": size, "said": said}


def _run(action: Command, context: StepContext, output: Path) -> int:
    shell = _with_variables(action, context)
    if not action.on_machine:
        words = _words(shell, {**_beside(context), **_INSIDE})
        return context.require(Executable).execute([*_SHELL, *words], output=output, timeout_s=context.timeout_s)
    around = context.surroundings
    if around is None:
        raise StepFailed("a line on this machine needs a run; there is none")
    line = "".join(_filled(shell, {**_beside(context), **_on_machine(context)}))
    return execute(
        ["sh", *_SHELL[1:], line],
        env={**os.environ, RUN_ID_VARIABLE: around.run_id},
        cwd=context.folder,
        output=output,
        timeout_s=context.timeout_s,
        journal=around.journal,
    )


def _with_variables(action: Command, context: StepContext) -> str:
    """The line after what earlier lines have set; of one that sets something, that is said at its end."""
    known = context.surroundings.variables if context.surroundings else {}
    used = [name for name in known if re.search(rf"\$\{{?{name}\b", action.shell)]
    lines = [*(f"{name}={shlex.quote(known[name])}" for name in used), action.shell]
    return "\n".join([*lines, *([f'printf "%s\\n" "${action.keeps}"'] if action.keeps else [])])


def _beside(context: StepContext) -> dict[str, str | None]:
    around: Surroundings | None = context.surroundings
    return {
        "prometheus": around.prometheus if around else None,
        "name": context.target.name,
        "token": context.target.token,
    }


def _on_machine(context: StepContext) -> dict[str, str | None]:
    url, signallable = context.target.base_url, context.find(Signallable)
    pid = signallable.pid if signallable else None
    known = context.find(KnownOutside)
    names = known.known_as if known else {}
    return {"url": url, "port": url.rpartition(":")[2], "pid": None if pid is None else str(pid), **names}


def _words(line: str, meanings: Mapping[str, str | None]) -> list[str]:
    """Returns `line` in pieces such that the target fills in what words mean, and no brace of the line itself."""
    pieces = _filled(line, meanings)
    return [word for at, piece in enumerate(pieces) for word in ([piece] if at % 2 else _BRACE.split(piece)) if word]


def _filled(line: str, meanings: Mapping[str, str | None]) -> list[str]:
    """Returns the parts of `line` between its words and what those mean, by turns.

    Raises:
        StepFailed: for a word that means nothing here.
    """
    pieces = WORD.split(line)
    for at in range(1, len(pieces), 2):
        meaning = meanings.get(pieces[at])
        if meaning is None:
            raise StepFailed(f"@{{{pieces[at]}}} means nothing here; expected a target that has one")
        pieces[at] = meaning
    return pieces


def _said(output: Path) -> str:
    with output.open("rb") as file:
        text = file.read(SAID_CHARS).decode(errors="replace")
    return printable_lines(text).rstrip()
