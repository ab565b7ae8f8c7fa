"""Processes and services: signals, systemd, and tools that look into a process."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from leakdrill.runbooks.shell.programs.effect import Effect, Inner, change, destructive, look, runs
from leakdrill.runbooks.shell.programs.options import Options, split
from leakdrill.runbooks.shell.programs.simple import simple
from leakdrill.runbooks.shell.programs.table import Table, entries

if TYPE_CHECKING:
    from leakdrill.runbooks.shell.programs.call import Call, Judge

ROWS: Final = """
destructive reboot, shutdown, halt, poweroff, init, telinit | stops the machine
change renice | sets the priority of a process | set the priority that it had
change prlimit | may set a limit of a process | set the limit that it had
change gdb, lldb, gcore, pstack, eu-stack | stops a process to look into it, or does what its script says | none is needed: the process goes on
change ltrace, bpftrace, stap | slows a process, or does what its script says
change start-stop-daemon, daemonize, pm2, forever | starts or stops a process
change at, batch | runs a command later | `atrm`
"""
SYSTEMD_OPTIONS: Final = Options.of(
    "-n --lines -o --output -t --type -p --property -H --host -M --machine --state --root -s --signal --kill-who --kill-whom -P "
    "--job-mode --timestamp",
    "-l --full --no-pager -a --all --user --system -q --quiet --now --failed --no-legend -r --reverse --plain -f --force --no-block "
    "--no-ask-password --runtime --value --show-types --recursive --with-dependencies --after --before -i",
)
SYSTEMCTL: Final = Table(
    "systemctl",
    entries(
        "systemctl",
        """
        look status, show, cat, list-units, list-unit-files, list-timers, list-sockets, list-dependencies, list-jobs, list-machines | prints the state of units
        look is-active, is-enabled, is-failed, is-system-running, get-default, help, show-environment, list-automounts | prints the state of units
        change restart, try-restart, reload-or-restart, condrestart | restarts a service, which drops what it holds in memory
        change reload | makes a service read its settings again
        change start | starts a service | `systemctl stop` it
        change stop | stops a service | `systemctl start` it
        change enable, reenable | makes a service start with the machine | `systemctl disable` it
        change disable | keeps a service from starting with the machine | `systemctl enable` it
        change mask | keeps a service from being started | `systemctl unmask` it
        change unmask | lets a service be started | `systemctl mask` it
        change daemon-reload, daemon-reexec | makes systemd read its units again
        change reset-failed | forgets that units failed
        change set-property, edit, set-environment, unset-environment, link, add-wants, add-requires, preset, set-default, revert | changes units
        change cancel, freeze, thaw, isolate, default, rescue, emergency, suspend, hibernate, import-environment | changes what runs
        destructive kill | ends the processes of a unit
        destructive clean | removes a unit's files
        destructive reboot, poweroff, halt, kexec | stops the machine
        """,
    ),
    SYSTEMD_OPTIONS,
    alone=look("`systemctl` lists units."),
)
SIGNAL: Final = re.compile(r"-(?:s|n|-signal=)?(?:SIG)?([A-Z0-9]+)")


def journalctl(call: Call) -> Effect:
    """Prints the journal; it can throw old parts away."""
    if any(word.text.startswith("--vac") for word in call.arguments):
        return destructive("`journalctl --vacuum-…` throws away what is old in the journal.")
    if any(
        word.text.startswith(("--ro", "--flu", "--sy", "--rel", "--smart", "--setup", "--update", "--cursor-file"))
        for word in call.arguments
    ):
        return change("`journalctl` writes or rotates the journal.")
    return look("`journalctl` prints the journal.")


def service(call: Call) -> Effect:
    """Starts, stops or shows a service."""
    words = [word.text for word in call.arguments]
    if words[-1:] in (["status"], ["--status-all"], ["configtest"]):
        return look("`service … status` prints the state of a service.")
    undo = {"start": "`service … stop`", "stop": "`service … start`"}.get(words[-1] if words else "")
    return change("`service` starts, stops or changes a service.", undo)


def kill(call: Call) -> Effect:
    """Sends a signal to processes by number."""
    words = [word.text for word in call.arguments]
    if words[:1] in (["-l"], ["-L"], ["--list"], ["--table"]):
        return look("`kill -l` lists signals.")
    signal = _signal(words)
    if signal in {"0", "EXIT"} and all(word.literal or not word.many for word in call.arguments):
        return look("`kill -0` asks whether a process is there.")
    if signal in {"9", "KILL"}:
        return destructive("`kill -9` ends a process at once: it saves nothing.")
    if any("$(" in text or "`" in text or (text.startswith("-1") and len(words) > 1) for text in words) or any(
        w.many for w in call.arguments
    ):
        return destructive("`kill` ends processes that are found as it runs; which they are shows only then.")
    if signal in {"3", "QUIT", "1", "HUP", "10", "USR1", "12", "USR2", "18", "CONT"}:
        return change(f"`kill` sends {signal} to a process; what that does is the process's own choice.")
    if signal in {"19", "STOP", "20", "TSTP"}:
        return change("`kill` stops a process.", "`kill -CONT` it")
    return change("`kill` ends a process.")


def _signal(words: list[str]) -> str:
    if words[:1] in (["-s"], ["-n"], ["--signal"]) and len(words) > 1:
        return words[1].upper().removeprefix("SIG")
    match = SIGNAL.fullmatch(words[0].upper().replace("-S", "-s", 0)) if words and words[0].startswith("-") else None
    return match[1].removeprefix("SIG") if match else "TERM"


def pkill(call: Call) -> Effect:
    """Sends a signal to every process of a name."""
    words = [word.text for word in call.arguments]
    if words[:1] in (["-0"], ["-l"], ["--list"]) and call.name != "pkill":
        return look(f"`{call.name}` sends nothing.")
    if words[:1] == ["-0"]:
        return look(f"`{call.name} -0` sends nothing.")
    return destructive(f"`{call.name}` ends every process that the pattern finds.")


def fuser(call: Call) -> Effect:
    """Says who uses a file; with -k it ends them."""
    if call.has("-k", "--kill"):
        return destructive("`fuser -k` ends every process that uses a file.")
    return look("`fuser` prints which processes use a file.")


def ss(call: Call) -> Effect:
    """Prints sockets; with -K it closes them."""
    if call.has("-K", "--kill", "-D", "--diag"):
        return destructive("`ss -K` closes other programs' sockets.")
    return look("`ss` prints sockets.")


def strace(call: Call) -> Effect:
    """Traces a process, or runs a command."""
    options = Options.of(
        "-e -p -s -P -O -S -a -b -I -X --trace --attach",
        "-f -ff -c -C -t -tt -ttt -T -v -x -y -yy -q -r -i -k -n -w -Z -z",
    )
    parts = split(call.arguments, options, until_argument=True)
    if parts.unknown is not None:
        return change("`strace` writes a file, or does what an option says that we do not know.")
    if parts.rest:
        return runs("`strace` runs a command.", Inner(tuple(parts.rest)))
    return look("`strace` prints what a process asks of the kernel, which slows it.")


def jmap(call: Call) -> Effect:
    """Looks into the heap of a Java process."""
    text = " ".join(word.text for word in call.arguments)
    if "dump" in text or ":live" in text or "-F" in text:
        return change(
            "`jmap` collects garbage or writes the heap to a file, and stops the process meanwhile.", "remove that file"
        )
    return look("`jmap` prints what the heap holds.")


def jcmd(call: Call) -> Effect:
    """Asks a Java process."""
    words = [word.text for word in call.arguments]
    if not words or words == ["-l"]:
        return look("`jcmd` lists Java processes.")
    asked = words[1] if len(words) > 1 else ""
    shows = r"help|VM\.(?:version|flags|uptime|command_line|system_properties|info|metaspace|classloader_stats|native_memory)"
    if re.fullmatch(
        shows + r"|Thread\.print|GC\.(?:heap_info|class_histogram|class_stats)|PerfCounter\.print|JFR\.check", asked
    ):
        return look(f"`jcmd {asked}` prints facts of a Java process.")
    return change(f"`jcmd {asked}` does something in a Java process.")


def py_spy(call: Call) -> Effect:
    """Looks into a Python process."""
    word = next((w.text for w in call.arguments if not w.is_option), "")
    if word in {"dump", "top"}:
        return look(f"`py-spy {word}` prints what a Python process does.")
    return change("`py-spy record` writes a file, or starts a program.", "remove that file")


def crontab(call: Call) -> Effect:
    """Prints or changes what runs by the clock."""
    if call.has("-l"):
        return look("`crontab -l` prints what runs by the clock.")
    if call.has("-r"):
        return destructive("`crontab -r` throws away what runs by the clock.")
    return change("`crontab` changes what runs by the clock.", "`crontab` with what `crontab -l` printed before")


def perf(call: Call) -> Effect:
    """Measures."""
    word = call.arguments[0].text if call.arguments else ""
    if word in {"top", "list", "report", "script", "annotate"} and not call.has("-o", "--output"):
        return look(f"`perf {word}` prints what it measures.")
    return change("`perf` writes what it measures to a file, or runs a command.", "remove that file")


def programs() -> dict[str, Judge]:
    """Returns the judges of these programs by name."""
    supervisor = """
    look status, tail, avail, pid, maintail, version, help | prints the state of programs
    change restart, update, reload, reread, start, stop, signal, add, remove, shutdown | starts, stops or changes programs
    """
    return {
        **{name: judge for name, judge in simple(ROWS).items() if "." not in name},
        "systemctl": SYSTEMCTL, "journalctl": journalctl, "service": service, "rc-service": service, "kill": kill, "pkill": pkill,
        "killall": pkill, "skill": pkill, "fuser": fuser, "ss": ss, "strace": strace, "jmap": jmap, "jcmd": jcmd, "py-spy": py_spy,
        "crontab": crontab, "perf": perf,
        "supervisorctl": Table("supervisorctl", entries("supervisorctl", supervisor), Options.of("-c -s -u -p")),

    }  # fmt: skip
