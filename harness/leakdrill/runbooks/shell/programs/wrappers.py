"""Programs that run another command: here, as another user, later, again and again, or on another machine."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from leakdrill.runbooks.shell.programs.effect import Effect, Inner, change, look, runs, unknown
from leakdrill.runbooks.shell.programs.options import Options, split
from leakdrill.runbooks.shell.programs.steering import is_steering
from leakdrill.runbooks.shell.programs.word import Word

if TYPE_CHECKING:
    from leakdrill.runbooks.shell.programs.call import Call, Judge

APPENDED: Final = Word("{}", literal=False, many=True)
"""What xargs puts behind the command: words that nobody sees here."""
SETTING: Final = re.compile(r"[A-Za-z_]\w*=")


@dataclass(frozen=True)
class Wrapper:
    """A program whose arguments, after its own options, are a command."""

    options: Options
    before: int = 0
    """How many arguments stand before the command: the duration of `timeout`."""
    elsewhere: bool = False
    assigns: bool = False
    """Whether `NAME=value` may stand before the command."""
    alone: Effect | None = None
    """What it does without a command; unknown when None."""

    def __call__(self, call: Call) -> Effect:
        """Says what a call does."""
        parts = split(call.arguments, self.options, until_argument=True)
        if parts.unknown is not None:
            return unknown(f"`{call.name}` has an option here that we do not know: {parts.unknown.text}.")
        words = parts.rest[self.before :]
        if words and words[0].text == "--":
            words = words[1:]
        while self.assigns and words and SETTING.match(words[0].text):
            if is_steering(words[0].text):
                return unknown(f"`{call.name}` sets {words[0].text}, which decides what the command does.")
            words = words[1:]
        if not words:
            return self.alone or unknown(f"`{call.name}` names no command.")
        return runs(f"`{call.name}` runs a command.", Inner(tuple(words), elsewhere=self.elsewhere))


def env(call: Call) -> Effect:
    """Runs a command with variables set; `-S` takes a text apart."""
    for index, word in enumerate(call.arguments):
        text = word.text
        if text in {"-S", "--split-string", "-vS"} and index + 1 < len(call.arguments):
            rest = " ".join(one.text for one in call.arguments[index + 1 :])
            return runs("`env` runs a command.", Inner(text=rest))
        if text.startswith(("-S", "--split-string=")):
            rest = " ".join(
                [
                    text.removeprefix("-S").removeprefix("--split-string="),
                    *(one.text for one in call.arguments[index + 1 :]),
                ]
            )
            return runs("`env` runs a command.", Inner(text=rest))
        if not word.is_option and not SETTING.match(text):
            break
    return ENV(call)


ENV: Final = Wrapper(
    Options.of("-u --unset -C --chdir", "-i --ignore-environment -0 --null -v --debug -"),
    assigns=True,
    alone=look("`env` prints the environment."),
)


def shell(call: Call) -> Effect:
    """Runs text: that after `-c`, a script, or what it reads."""
    if [word.text for word in call.arguments] == ["--version"]:
        return look(f"`{call.name}` prints its version.")
    parts = split(call.arguments, SHELL_OPTIONS, until_argument=True)
    if parts.unknown is not None:
        return unknown(f"`{call.name}` has an option here that we do not know: {parts.unknown.text}.")
    names = parts.names()
    if "-c" in names and parts.rest:
        return runs(f"`{call.name}` runs a text.", Inner(text=parts.rest[0].text))
    if parts.rest and "-s" not in names:
        if "-n" in names:
            return look(f"`{call.name} -n` reads a script and runs nothing of it.")
        return unknown(f"What the script {parts.rest[0].text} does is not written here.")
    if call.stdin is not None:
        return runs(f"`{call.name}` runs a text.", Inner(text=call.stdin))
    if call.fed:
        return unknown(f"`{call.name}` runs whatever comes in.")
    return unknown(f"`{call.name}` opens a shell; what is typed there decides.")


SHELL_OPTIONS: Final = Options.of(
    "-o +o -O +O --rcfile --init-file",
    "-c -l -i -e -x -u -v -s -n -f -r -p -a --login --norc --noprofile --posix --restricted",
)


def watch(call: Call) -> Effect:
    """Runs a text again and again."""
    parts = split(
        call.arguments,
        Options.of(
            "-n --interval -q --equexit -s --shotsdir",
            "-d --differences -t --no-title -c --color -g --chgexit -e --errexit -b --beep -p --precise -x --exec -w --no-wrap -r",
        ),
        until_argument=True,
    )
    if parts.unknown is not None or not parts.rest:
        return unknown("`watch` names no command that we can read.")
    if {"-x", "--exec"} & parts.names():
        return runs("`watch` repeats a command.", Inner(tuple(parts.rest), elsewhere=True))
    return runs("`watch` repeats a command.", Inner(text=joined(parts.rest), elsewhere=True))


def joined(words: list[Word]) -> str:
    """Returns words as the text that a shell on the other side reads."""
    return " ".join(word.text for word in words)


def ssh(call: Call) -> Effect:
    """Runs a text on another machine."""
    parts = split(call.arguments, SSH_OPTIONS, until_argument=True)
    if parts.unknown is not None:
        return unknown(f"`{call.name}` has an option here that we do not know: {parts.unknown.text}.")
    own = [option for option, value in parts.options if option == "-o" and value and "command" in value.text.lower()]
    if own:
        return unknown(f"`{call.name}` runs a command of its options.")
    if not parts.rest:
        return look("`ssh` prints its version.") if "-V" in parts.names() else unknown("`ssh` names no host.")
    host = parts.rest[0].text.rpartition("@")[2].removeprefix("ssh://")
    port = parts.value("-p")
    hosts = (f"{host}:{port}" if port else host,)
    words = parts.rest[1:]
    if len(words) and words[0].is_option:  # options may stand behind the host too
        rest = split(words, SSH_OPTIONS, until_argument=True)
        if rest.unknown is not None:
            return unknown(f"`{call.name}` has an option here that we do not know: {rest.unknown.text}.")
        words = rest.rest
    if words:
        return runs("`ssh` runs a command on another machine.", Inner(text=joined(words), elsewhere=True), hosts=hosts)
    if call.stdin is not None:
        return runs("`ssh` runs a text on another machine.", Inner(text=call.stdin, elsewhere=True), hosts=hosts)
    if {"-N", "-f"} & parts.names():
        return change("`ssh` opens a tunnel.", "end that ssh")
    return Effect(unknown("").kind, f"`ssh` opens a shell on {host}; what is typed there decides.", hosts=hosts)


SSH_OPTIONS: Final = Options.of(
    "-B -b -c -D -E -e -F -I -i -J -L -l -m -O -o -p -Q -R -S -W -w",
    "-4 -6 -A -a -C -f -G -g -K -k -M -N -n -q -s -T -t -V -v -X -x -Y -y",
)


def xargs(call: Call) -> Effect:
    """Runs a command with words that it reads; they are not seen here."""
    parts = split(call.arguments, XARGS_OPTIONS, until_argument=True)
    if parts.unknown is not None:
        return unknown(f"`xargs` has an option here that we do not know: {parts.unknown.text}.")
    if not parts.rest:
        return look("`xargs` alone prints what it reads.")
    replaced = parts.value("-I", "-J") or ("{}" if {"-i", "--replace"} & parts.names() else None)
    if replaced is None:
        return runs("`xargs` runs a command.", Inner((*parts.rest, APPENDED)))
    words = tuple(
        Word(word.text.replace(replaced, "$ITEM"), literal=False, start=word.start, end=word.end)
        if replaced in word.text
        else word
        for word in parts.rest
    )
    return runs("`xargs` runs a command.", Inner(words))


XARGS_OPTIONS: Final = Options.of(
    "-I -J -n -P -L -l -d -s -a -E -R -S --max-args --max-procs --max-lines --delimiter --max-chars --arg-file --eof",
    "-0 -r -t -p -x -i -o --null --no-run-if-empty --verbose --interactive --exit --replace --open-tty",
)


def parallel(call: Call) -> Effect:
    """Runs a text for each argument; what it reads is not seen here."""
    parts = split(
        call.arguments,
        Options.of(
            "-j --jobs -a --colsep -n --max-args -I --delay --timeout", "-k --keep-order --bar -0 --null --no-notice -r"
        ),
        until_argument=True,
    )
    if parts.unknown is not None or not parts.rest:
        return unknown("`parallel` names no command that we can read.")
    texts = [word.text for word in parts.rest]
    end = next((i for i, text in enumerate(texts) if text.startswith(":::")), len(texts))
    return runs("`parallel` runs a command.", Inner(text=" ".join([*texts[:end], "$ARGUMENTS"])))


def su(call: Call) -> Effect:
    """Becomes another user; `-c` names a command."""
    for index, word in enumerate(call.arguments[:-1]):
        if word.text in {"-c", "--command"}:
            return runs(f"`{call.name}` runs a command.", Inner(text=call.arguments[index + 1].text))
    found = next((w.text for w in call.arguments if w.text.startswith("--command=")), None)
    if found:
        return runs(f"`{call.name}` runs a command.", Inner(text=found.partition("=")[2]))
    return unknown(f"`{call.name}` opens a shell; what is typed there decides.")


def sudo(call: Call) -> Effect:
    """Runs a command as another user."""
    names = {word.text for word in call.arguments}
    if names & {"-l", "--list", "-v", "-k", "-V"} and len(call.arguments) == 1:
        return look("`sudo` shows what it allows.")
    if names & {"-e", "--edit"}:
        return change("`sudo -e` edits a file.")
    return SUDO(call)


SUDO: Final = Wrapper(
    Options.of(
        "-u --user -g --group -h --host -p --prompt -C -r -t -U -D --chdir -T",
        "-E --preserve-env -H --set-home -n --non-interactive -S --stdin -b -P -A -k -K -i --login -s --shell",
    ),
    assigns=True,
)
WRAPPERS: Final[dict[str, Judge]] = {
    "sudo": sudo,
    "doas": Wrapper(Options.of("-u -C", "-n -s")),
    "time": Wrapper(Options.of("-f --format", "-p -v --verbose --portability")),
    "nohup": Wrapper(Options.of()),
    "nice": Wrapper(Options.of("-n --adjustment", "-5 -10 -15 -19")),
    "ionice": Wrapper(Options.of("-c --class -n --classdata", "-t"), alone=look("`ionice` prints a priority.")),
    "chrt": Wrapper(Options.of("", "-f -r -o -b -i"), before=1),
    "timeout": Wrapper(
        Options.of("-k --kill-after -s --signal", "-v --verbose --foreground --preserve-status"), before=1
    ),
    "gtimeout": Wrapper(Options.of("-k --kill-after -s --signal", "--foreground --preserve-status"), before=1),
    "stdbuf": Wrapper(Options.of("-i -o -e --input --output --error")),
    "unbuffer": Wrapper(Options.of("", "-p")),
    "setsid": Wrapper(Options.of("", "-c -f -w --wait --fork --ctty")),
    "setarch": Wrapper(Options.of("", "-R"), before=1),
    "chroot": Wrapper(Options.of("--userspec --groups", "--skip-chdir"), before=1, elsewhere=True),
    "nsenter": Wrapper(
        Options.of(
            "-t --target -S --setuid -G --setgid",
            "-a --all -m --mount -u --uts -i --ipc -n --net -p --pid -U --user -C --cgroup -F --no-fork -r --root -w --wd",
        ),
        elsewhere=True,
    ),
    "gosu": Wrapper(Options.of(), before=1),
    "su-exec": Wrapper(Options.of(), before=1),
    "runuser": su,
    "su": su,
    "tini": Wrapper(Options.of("", "-g -s -v")),
    "dumb-init": Wrapper(Options.of("", "-v -c")),
    "caffeinate": Wrapper(Options.of("-t -w", "-d -i -m -s -u")),
    "taskset": Wrapper(Options.of("", "-c --cpu-list"), before=1),
    "numactl": Wrapper(
        Options.of(
            "-N --cpunodebind -m --membind -C --physcpubind -i --interleave -p --preferred",
            "-H --hardware -s --show -l",
        ),
        alone=look("`numactl` prints the nodes."),
    ),
    "busybox": Wrapper(Options.of()),
    "toybox": Wrapper(Options.of()),
    "aws-vault": Wrapper(Options.of(), before=2),
    "firejail": Wrapper(Options.of("", "--quiet")),
}


def programs() -> dict[str, Judge]:
    """Returns the judges of these programs by name."""
    shells = dict.fromkeys(("sh", "bash", "zsh", "dash", "ash", "ksh", "fish"), shell)
    return {
        **WRAPPERS, **shells, "env": env, "watch": watch, "ssh": ssh, "autossh": ssh, "slogin": ssh, "xargs": xargs,
        "parallel": parallel,
    }  # fmt: skip
