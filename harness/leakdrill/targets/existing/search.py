"""Finds the process of a service that runs already: by its number, its file, its port or its systemd unit."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Final

import psutil

from leakdrill.errors import BadInput
from leakdrill.files import read_file
from leakdrill.machine.ports import listeners_on
from leakdrill.targets.existing.unit import describe_unit
from leakdrill.units import quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from leakdrill.scenario.target import ProcessTarget

_FORWARDERS: Final = {
    "docker-proxy": "a container's port; name the container, so that its own processes are measured",
    "rootlesskit": "a container's port; name the container, so that its own processes are measured",
    "rootlessport": "a container's port; name the container, so that its own processes are measured",
    "kubectl": "a port-forward; target.kubernetes.existing measures the pod itself",
    "ssh": "a tunnel to another machine",
    "sshd": "a tunnel to another machine",
}
"""Programs that listen for a service that is elsewhere."""
_PROXIES: Final = ("nginx", "haproxy", "envoy", "caddy", "traefik", "apache2", "httpd")
"""Programs that may be the service, and often only stand in front of it."""
_INIT: Final = 1
_PID_FILE_BYTES: Final = 4096
_SHOWN_CHARS: Final = 40


def find_process(spec: ProcessTarget) -> psutil.Process:
    """The first process of the service that `spec` names.

    Raises:
        BadInput: when there is none, it is not the one that listens, or it cannot be read by this user.
    """
    process = _named(spec)
    try:
        name = process.name()
        _refuse_ours_and_forwarders(process, name)
        process.memory_full_info()
        process.num_fds()
    except psutil.AccessDenied as e:
        raise BadInput(
            f"target: the memory of {described(process)} cannot be read by this user",
            hint="run leakdrill as the user whose process it is, or as root",
        ) from e
    except psutil.NoSuchProcess as e:
        raise BadInput(f"target: pid {process.pid} has just ended; expected it to go on") from e
    return process


def proxy_remark(spec: ProcessTarget, process: psutil.Process) -> str:
    """What to say where nothing but a URL names the service, and a proxy listens there; empty elsewhere."""
    name = ""
    with contextlib.suppress(psutil.Error):
        name = process.name()
    named = spec.unit or spec.pid or spec.pid_file or spec.listens
    if named or name not in _PROXIES:
        return ""
    return f"{described(process)} is measured; if the service is behind it, target.listens says on which port"


def _refuse_ours_and_forwarders(process: psutil.Process, name: str) -> None:
    if process.pid in _ancestors(psutil.Process()) | {os.getpid()}:
        raise BadInput(f"target: pid {process.pid} ({name}) is what runs leakdrill itself; expected the service")
    if name in _FORWARDERS:
        raise BadInput(f"target.url: pid {process.pid} ({name}) forwards {_FORWARDERS[name]}")


def tree_of(process: psutil.Process) -> list[int]:
    """The process and everything that came of it; none when it has ended."""
    if not lives(process):
        return []
    tree = {process.pid}
    with contextlib.suppress(psutil.Error):
        tree |= {child.pid for child in process.children(recursive=True)}
    return sorted(tree)


def lives(process: psutil.Process) -> bool:
    """Whether `process` is still the same one, and no zombie."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def described(process: psutil.Process) -> str:
    """The process for a person: `pid 4121 (python serve.py)`."""
    with contextlib.suppress(psutil.Error):
        return f"pid {process.pid} ({' '.join(process.cmdline()) or process.name()})"
    return f"pid {process.pid}"


def _named(spec: ProcessTarget) -> psutil.Process:
    if spec.unit is not None:
        return _process(describe_unit(spec.unit).main_pid, f"the main process of {spec.unit}", "unit")
    if spec.pid is not None:
        return _process(spec.pid, f"pid {spec.pid}", "pid")
    if spec.pid_file is not None:
        pid = _read_pid(spec.pid_file)
        return _process(pid, f"pid {pid} of {spec.pid_file}", "pid_file")
    return _listener(spec.own_port or 0, "url" if spec.listens is None else "listens")


def _read_pid(path: Path) -> int:
    try:
        text = read_file(path, most_bytes=_PID_FILE_BYTES).decode(errors="replace").strip()
    except OSError as e:
        raise BadInput(f"target.pid_file: {path}: {e.strerror}; expected a process id") from e
    if not (text.isascii() and text.isdecimal()):
        raise BadInput(f"target.pid_file: {path}: found {quoted(text[:_SHOWN_CHARS])}; expected a process id")
    return int(text)


def _process(pid: int, called: str, key: str) -> psutil.Process:
    try:
        process = psutil.Process(pid)
    except (psutil.NoSuchProcess, ValueError, OverflowError):
        process = None
    if process is None or not lives(process):
        raise BadInput(f"target.{key}: {called} does not run; expected the process of the service")
    return process


def _listener(port: int, key: str) -> psutil.Process:
    pids = listeners_on(port)
    if pids != [_INIT]:
        pids = [pid for pid in pids if pid != _INIT]  # it holds the socket for a service that is started by it
    holding = [process for process in map(_or_none, pids) if process is not None]
    if not holding:
        raise BadInput(
            f"target.{key}: no process of this machine was found that listens on port {port}; expected the service",
            hint="does it run? the processes of other users are seen by root only; target.pid names one",
        )
    first = _topmost(holding)
    others = [process for process in holding if not _descends(process, first)]
    if others:
        raise BadInput(
            f"target.{key}: port {port} is listened on by {described(first)} and {described(others[0])}; expected one",
            hint="target.pid says which it is",
        )
    return first


def _or_none(pid: int) -> psutil.Process | None:
    with contextlib.suppress(psutil.Error):
        return psutil.Process(pid)
    return None


def _topmost(holding: Sequence[psutil.Process]) -> psutil.Process:
    """The one that is nobody's child among them: a server's master, where its workers inherited the socket."""
    return min(holding, key=lambda process: len(_ancestors(process)))


def _descends(process: psutil.Process, first: psutil.Process) -> bool:
    return process == first or first.pid in _ancestors(process)


def _ancestors(process: psutil.Process) -> set[int]:
    parents: Iterable[psutil.Process] = ()
    with contextlib.suppress(psutil.Error):
        parents = process.parents()
    return {parent.pid for parent in parents}
