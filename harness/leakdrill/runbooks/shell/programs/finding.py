"""find and its relatives: a look unless an action of theirs deletes, writes or runs something."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leakdrill.runbooks.shell.programs.effect import Effect, Inner, change, destructive, look, unknown
from leakdrill.runbooks.shell.programs.simple import simple
from leakdrill.runbooks.shell.programs.word import Word

if TYPE_CHECKING:
    from leakdrill.runbooks.shell.programs.call import Call, Judge

ITEM: Final = "$ITEM"
"""What stands for the file in a command of `-exec`, so that a shell within it takes it for a variable."""
RUNS: Final = frozenset({"-exec", "-execdir", "-ok", "-okdir"})
WRITES: Final = frozenset({"-fprint", "-fprint0", "-fprintf", "-fls"})
KNOWN: Final = frozenset(
    """-H -L -P -O0 -O1 -O2 -O3 -D -amin -anewer -atime -cmin -cnewer -ctime -daystart -depth -d -empty -executable -false -follow -fstype
    -gid -group -ignore_readdir_race -ilname -iname -inum -ipath -iregex -iwholename -links -lname -ls -maxdepth -mindepth -mmin
    -mount -mtime -name -newer -newermt -newerat -newerct -newermm -nogroup -nouser -noleaf -path -perm -print -print0 -printf
    -prune -quit -readable -regex -regextype -samefile -size -true -type -uid -used -user -wholename -writable -xdev -xtype -a -o
    -and -or -not -files0-from -E -X -s -f -x -flags -warn -nowarn -context""".split()
)


def find(call: Call) -> Effect:
    """Lists files, and does with them what its actions say."""
    inner: list[Inner] = []
    words = call.arguments
    at = 0
    while at < len(words):
        text = words[at].text
        if text == "-delete":
            return destructive("`find -delete` deletes every file that it finds.")
        if text in WRITES:
            return change(f"`find {text}` writes a file.", "remove that file, or put back what it held before")
        if words[at].many or (text.startswith("-") and text not in KNOWN | RUNS and not _is_value(words, at)):
            return unknown(f"`find` has an action here that we do not know: {text}.")
        if text in RUNS:
            end = next((i for i in range(at + 1, len(words)) if words[i].text in {";", "+", "\\;"}), len(words))
            inner.append(Inner(tuple(_found(word) for word in words[at + 1 : end])))
            at = end
        at += 1
    inner = [one for one in inner if one.words]
    return Effect(look("").kind, "`find` lists files.", inner=tuple(inner))


def _is_value(words: tuple[Word, ...], at: int) -> bool:
    """`-mtime -7`, `-size -10M`, `-perm -4000`: a value that begins as an option does."""
    return at > 0 and words[at - 1].text.startswith("-") and words[at].text[1:2].isdigit()


def _found(word: Word) -> Word:
    if "{}" not in word.text:
        return word
    return Word(word.text.replace("{}", ITEM), literal=False, start=word.start, end=word.end)


def fd(call: Call) -> Effect:
    """Lists files; `-x` runs a command for each."""
    for index, word in enumerate(call.arguments):
        if word.text in {"-x", "--exec", "-X", "--exec-batch"}:
            rest = tuple(_found(one) for one in call.arguments[index + 1 :])
            return (
                Effect(look("").kind, f"`{call.name}` lists files.", inner=(Inner(rest),))
                if rest
                else unknown("It runs nothing.")
            )
        if word.many or word.text.startswith(("--exec", "-x", "-X")):
            return unknown(f"`{call.name}` has an option here that we do not know: {word.text}.")
    return look(f"`{call.name}` lists files.")


def programs() -> dict[str, Judge]:
    """Returns the judges of these programs by name."""
    return {
        "find": find,
        "gfind": find,
        "fd": fd,
        "fdfind": fd,
        **simple("look locate, plocate, mlocate | lists files"),
    }
