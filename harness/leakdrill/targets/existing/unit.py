"""A systemd unit, as `systemctl` describes it: read by everyone, restarted only by a step that was allowed."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import Final

from leakdrill.errors import BadInput, EnvironmentProblem
from leakdrill.scenario.existing import SYSTEMCTL
from leakdrill.targets.base.readiness import signal_name

_ASKED: Final = (
    "LoadState",
    "ActiveState",
    "SubState",
    "MainPID",
    "ControlGroup",
    "Result",
    "ExecMainPID",
    "ExecMainStatus",
)
_BY_SIGNAL: Final = ("signal", "core-dump", "oom-kill")
_BY_ITSELF: Final = ("success", "exit-code")
_TIMEOUT_S: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """What `systemctl show` says.

    Attributes:
        main_pid: its first process; 0 when it has none.
        control_group: its path in the hierarchy, such as `/system.slice/shop.service`.
    """

    main_pid: int
    control_group: str


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """How a unit's first process ended, as far as systemd says.

    Attributes:
        exit_code: None where it is not known.
        signal: such as `SIGSEGV`; empty where it is not known.
        oom_killed: whether systemd blames the OOM killer.
    """

    exit_code: float | None = None
    signal: str = ""
    oom_killed: bool = False


def end_of(shown: dict[str, str], pid: int) -> End:
    """How process `pid` ended by what `systemctl show` printed; nothing is known where that is of another process."""
    status = shown.get("ExecMainStatus", "")
    if shown.get("ExecMainPID") != str(pid) or not status.isdecimal():
        return End()
    result = shown.get("Result", "")
    if result in _BY_SIGNAL:
        return End(signal=signal_name(int(status)), oom_killed=result == "oom-kill")
    return End(exit_code=float(status)) if result in _BY_ITSELF else End()


def describe_unit(name: str) -> Unit:
    """The unit `name`, which is active.

    Raises:
        BadInput: when there is none, it is not active, or it has no main process.
        EnvironmentProblem: when systemd does not answer.
    """
    shown = show_unit(name)
    if shown.get("LoadState") != "loaded":
        raise BadInput(f"target.unit: systemd knows no unit {name} ({shown.get('LoadState', 'no answer')})")
    state = f"{shown.get('ActiveState', '?')} ({shown.get('SubState', '?')})"
    if shown.get("ActiveState") != "active":
        raise BadInput(f"target.unit: {name} is {state}; expected it to be active", hint=f"systemctl status {name}")
    unit = parse_unit(shown)
    if unit.main_pid == 0:
        raise BadInput(f"target.unit: {name} is {state} and has no main process; expected a service that stays")
    return unit


def parse_unit(shown: dict[str, str]) -> Unit:
    """The unit in what `systemctl show` printed."""
    pid = shown.get("MainPID", "0")
    return Unit(
        main_pid=int(pid) if pid.isdecimal() else 0,
        control_group=shown.get("ControlGroup", ""),
    )


def show_unit(name: str) -> dict[str, str]:
    """The properties of the unit `name`. Raises EnvironmentProblem when systemd does not answer."""
    command = [SYSTEMCTL, "show", f"--property={','.join(_ASKED)}", "--", name]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as e:
        raise EnvironmentProblem(f"target.unit: {SYSTEMCTL} cannot be asked about {name}: {e}") from e
    if done.returncode:
        raise EnvironmentProblem(f"target.unit: {SYSTEMCTL} did not describe {name}: {done.stderr.strip()}")
    return dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
