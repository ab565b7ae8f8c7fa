"""Docker's own compose program: the plugin `docker compose` where it is there, else docker-compose.

What a compose file means (variables, anchors, dependencies, conditions) is its business; where only version 1 is there,
which does not know today's format, `reader.py` reads the file.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from typing import TYPE_CHECKING, Any, Final

from leakdrill.errors import BadInput, EnvironmentProblem
from leakdrill.targets.compose.older import in_older_words
from leakdrill.targets.compose.reader import read_compose
from leakdrill.targets.compose.refusal import place, refused
from leakdrill.yaml_file import dump_yaml, parse_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_LAST_LINES: Final = 6
_ASK_TIMEOUT_S: Final = 30


@functools.cache
def compose_program() -> tuple[str, ...]:
    """What runs compose here.

    Raises:
        EnvironmentProblem: when neither the plugin nor docker-compose is installed.
    """
    if shutil.which("docker"):
        probe = subprocess.run(
            ["docker", "compose", "version"], capture_output=True, check=False, timeout=_ASK_TIMEOUT_S
        )
        if probe.returncode == 0:
            return ("docker", "compose")
    if shutil.which("docker-compose"):
        return ("docker-compose",)
    raise EnvironmentProblem(
        "neither `docker compose` nor docker-compose is installed; a compose file needs one of them",
        hint="apt-get install --no-install-recommends docker-compose",
    )


@functools.cache
def predates_the_format() -> bool:
    """Whether the program is version 1, which ended before much of today's format was there.

    Raises:
        EnvironmentProblem: when there is none.
    """
    program = compose_program()
    if len(program) > 1:
        return False  # the plugin was never version 1
    probe = subprocess.run(
        [*program, "version", "--short"], capture_output=True, text=True, check=False, timeout=_ASK_TIMEOUT_S
    )
    return probe.stdout.strip().startswith("1.")


class Compose:
    """Compose for one project made of one file.

    Args:
        file: the compose file.
        project: the name of the project.
        env: added to the environment, for the variables in the file.
    """

    def __init__(self, file: Path, *, project: str, env: Mapping[str, str] | None = None) -> None:
        self.file = file
        self.project = project
        self._env = {**os.environ, **(env or {})}

    def run(self, *arguments: str, timeout_s: float = 600.0) -> str:
        """What `compose ARGUMENTS` says on standard output.

        Raises:
            EnvironmentProblem: when it fails or takes longer; with its last lines.
        """
        command = [*compose_program(), "--project-name", self.project, "--file", str(self.file), *arguments]
        what = f"compose {arguments[0]} ({self.file})"
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, check=False, timeout=timeout_s, env=self._env
            )
        except subprocess.TimeoutExpired as e:
            raise EnvironmentProblem(f"{what} did not end within {timeout_s:g} s") from e
        if done.returncode != 0:
            raise EnvironmentProblem(
                f"{what} failed with exit code {done.returncode}{_last_lines(done.stderr, done.stdout)}"
            )
        return done.stdout

    def check(self, of: Path) -> None:
        """Do nothing where compose can use this file, which was made from the file `of`.

        Raises:
            BadInput: when version 1 does not know something of it; where that is found, with its line in `of`.
        """
        if not predates_the_format():
            return
        try:
            self.run("config", "--quiet", timeout_s=_ASK_TIMEOUT_S)
        except EnvironmentProblem as e:
            raise BadInput(
                f"{place(of, e.message)}: docker-compose 1, which is installed here, cannot use it"
                + _last_lines(e.message.partition("\n")[2]),
                hint="Docker Compose version 2 may: apt-get install docker-compose-plugin",
            ) from e

    def config(self) -> dict[str, Any]:
        """The file as compose understands it: variables filled in, anchors and short forms resolved.

        Raises:
            BadInput: when compose cannot use it; with what compose says.
        """
        if predates_the_format():
            return in_older_words(read_compose(self.file, self._env))
        command = [*compose_program(), "--project-name", self.project, "--file", str(self.file), "config"]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, check=False, timeout=_ASK_TIMEOUT_S,
                env={**self._env, "COMPOSE_PROFILES": "*"},
            )  # fmt: skip
        except subprocess.TimeoutExpired as e:
            raise BadInput(f"{self.file}: compose had not read it after {_ASK_TIMEOUT_S:g} s") from e
        if done.returncode != 0:
            said = _last_lines(done.stderr, done.stdout)
            raise refused(self.file, done.stderr, self._env, detail=f"compose cannot use it{said}")
        config: dict[str, Any] = parse_yaml(done.stdout, self.file, expected="a compose file").data
        return config


def write_config(config: Mapping[str, Any], path: Path) -> None:
    """Write `config` to `path`, for its owner only: it may hold tokens."""
    path.touch(mode=0o600)
    path.write_text(dump_yaml(dict(config)), encoding="utf-8")


def _last_lines(*texts: str) -> str:
    lines: Sequence[str] = [line.rstrip() for text in texts for line in text.splitlines() if line.strip()]
    return ":" + "".join(f"\n  {line}" for line in lines[-_LAST_LINES:]) if lines else ""
