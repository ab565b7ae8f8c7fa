"""What the shell does itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leakdrill.runbooks.shell.programs.effect import Effect, Inner, change, look, runs, unknown
from leakdrill.runbooks.shell.programs.options import Options
from leakdrill.runbooks.shell.programs.simple import simple
from leakdrill.runbooks.shell.programs.steering import is_steering
from leakdrill.runbooks.shell.programs.wrappers import Wrapper

if TYPE_CHECKING:
    from leakdrill.runbooks.shell.programs.call import Call, Judge

ROWS = """
look :, echo, cd, pushd, popd, dirs, pwd, test, [, [[, exit, return, break, continue, shift, wait, type, times, jobs | changes nothing but the shell itself
look let, getopts, logout, caller, compgen, shopt, set | changes nothing but the shell itself
change fg, bg, disown, suspend | changes whether a job of this shell runs, or for whom
change alias, unalias | changes what a word means in this shell | `unalias`, or the alias that was there before
unknown enable, bind, complete, compopt, fc, hash, mapfile, readarray | changes what the shell does in a way that is not judged
"""
OF_THE_SHELL: Final = frozenset(
    """: . [ [[ alias bg break builtin caller cd command compgen complete continue declare dirs disown echo enable eval exec exit export
    false fc fg getopts hash history jobs let local logout mapfile popd printf pushd pwd read readarray readonly return set shift shopt
    source suspend test time times trap true type typeset ulimit umask unalias unset wait""".split()
)


def source(call: Call) -> Effect:
    """Runs a file in this shell."""
    named = call.arguments[0].text if call.arguments else "that it reads"
    return unknown(f"What the file {named} does is not written here.")


def evaluate(call: Call) -> Effect:
    """Runs its arguments as text."""
    return runs("`eval` runs a text.", Inner(text=" ".join(word.text for word in call.arguments)))


def execute(call: Call) -> Effect:
    """Becomes another program."""
    if not call.arguments:
        return look("`exec` alone changes nothing but the shell itself.")
    return Wrapper(Options.of("-a", "-c -l"))(call)


def command(call: Call) -> Effect:
    """Runs a program, not a function; with -v or -V it says where the program is."""
    if call.arguments and call.arguments[0].text in {"-v", "-V", "-pv"}:
        return look("`command -v` says where a program is.")
    return Wrapper(Options.of("", "-p"))(call)


def read(call: Call) -> Effect:
    """Takes a line into variables: nothing changes when a pipe or a file says what comes, and the names steer nothing."""
    names = [word for word in call.arguments if not word.is_option]
    if any(not name.literal or is_steering(f"{name.text}=") for name in names):
        return change("`read` sets a variable that decides what later commands do.", "set it to what it was before")
    if call.fed:
        return look("`read` takes a line of what it is given into a variable of this shell.")
    return change(
        "`read` waits for a person and sets a variable by what is typed.",
        "none is needed: the variable ends with the shell",
    )


def printf(call: Call) -> Effect:
    """Prints; with -v it sets a variable."""
    if call.arguments and (call.arguments[0].text.startswith("-v") or call.arguments[0].many):
        return change("`printf -v` sets a variable.", "set it to what it was before")
    return look("`printf` prints.")


def history(call: Call) -> Effect:
    """Prints what was typed; it can clear it and write it."""
    if call.has("-c", "-d", "-w", "-a", "-r", "-s", "-n", "-p"):
        return change("`history` changes the list of what was typed.")
    return look("`history` prints what was typed.")


def trap(call: Call) -> Effect:
    """Runs a text when a signal comes."""
    words = [word for word in call.arguments if word.text != "--"]
    if not words or words[0].text in {"-p", "-l", "-", ""}:
        return look("`trap` sets nothing.")
    return runs("`trap` runs a text later.", Inner(text=words[0].text))


def limit(call: Call) -> Effect:
    """Prints a limit of the shell; with a number it sets it for all that the shell starts."""
    if any(not word.is_option for word in call.arguments):
        return change(
            f"`{call.name}` sets a limit for what this shell starts.", "none is needed: it ends with the shell"
        )
    return look(f"`{call.name}` prints a limit.")


def export(call: Call) -> Effect:
    """Sets variables, where the parser reads it as a command."""
    if any(word.many or is_steering(word.text) for word in call.arguments):
        return change("It sets a variable that decides what later commands do.", "set it to what it was before")
    return look("It sets a variable of this shell.")


def programs() -> dict[str, Judge]:
    """Returns the judges of the shell's own commands by name."""
    return {
        **simple(ROWS), ".": source, "source": source, "eval": evaluate, "exec": execute, "command": command,
        "builtin": Wrapper(Options.of()), "read": read, "printf": printf, "history": history, "trap": trap, "export": export,
        "ulimit": limit, "umask": limit, "declare": export, "local": export, "readonly": export, "typeset": export,
    }  # fmt: skip
