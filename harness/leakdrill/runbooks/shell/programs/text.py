"""Programs that work on text: sed, awk, yq, and languages on the command line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from leakdrill.runbooks.shell.programs.effect import Effect, change, look, unknown
from leakdrill.runbooks.shell.programs.options import Options, split
from leakdrill.runbooks.shell.programs.python_code import python_effect

if TYPE_CHECKING:
    from leakdrill.runbooks.shell.programs.call import Call, Judge
    from leakdrill.runbooks.shell.programs.word import Word

BACK: Final = "put back what the file held before"
SED_OPTIONS: Final = Options.of(
    "-e --expression -f --file -l --line-length",
    "-n --quiet --silent -E -r --regexp-extended -s --separate -u --unbuffered -z --null-data --posix --debug --sandbox -b",
)
SED_SUBSTITUTION: Final = re.compile(
    r"s(?P<mark>[^\w\s\\])(?:\\.|(?!(?P=mark)).)*(?P=mark)(?:\\.|(?!(?P=mark)).)*(?P=mark)(?P<flags>[\w ./-]*)"
)
SED_ADDRESS: Final = r"(?:\d+|\$|/(?:\\.|[^/\\])*/I?)(?:[,~+]\s*[+~]?(?:\d+|\$|/(?:\\.|[^/\\])*/I?))?\s*!?\s*"
SED_PLAIN: Final = re.compile(rf"(?:{SED_ADDRESS})?(?:[pdqQnNhHgGxDPl=F]\d*|y/[^/]*/[^/]*/|[aic]\\?\s?[^;{{}}]*)?")


def sed(call: Call) -> Effect:
    """Edits a stream: a look unless it edits files in place, or its script writes or runs something."""
    if any(_in_place(word) for word in call.arguments):
        return change("`sed -i` edits a file in place.", BACK)
    parts = split(call.arguments, SED_OPTIONS)
    if parts.unknown is not None:
        return unknown(f"`sed` has an option here that we do not know: {parts.unknown.text}.")
    if {"-f", "--file"} & parts.names():
        return unknown("The script of `sed` is not written here.")
    scripts = [value for name, value in parts.options if name in {"-e", "--expression"} and value]
    for script in scripts or parts.rest[:1]:
        if not sed_only_prints(script.text):
            return unknown("The script of `sed` may write a file or run a command.")
    return look("`sed` prints what it reads, changed.")


def _in_place(word: Word) -> bool:
    text = word.text
    return text.startswith("--in-place") or (bool(re.match(r"-[nErsuz]*i", text)) and not text.startswith("--"))


def sed_only_prints(script: str) -> bool:
    """Whether each command of a script is one that we know to print only; `w` and `e` write and run."""
    return all(SED_PLAIN.fullmatch(piece) for piece in _sed_commands(script))


def _sed_commands(script: str) -> list[str]:
    """Returns the commands of a script, a substitution without `w` and `e` among its flags left out."""
    rest: list[str] = []
    text = script
    while True:
        match = re.search(r"(?:^|[;{\n}]|(?<=[\d/$!])|(?<=\s))\s*(?=s[^\w\s\\])", text)
        found = SED_SUBSTITUTION.match(text, match.end()) if match else None
        if found is None:
            rest.append(text)
            break
        rest.append(text[: found.start()])
        if not re.fullmatch(r"[gpiImM0-9]*\s*", found["flags"]):
            rest.append("w")
        text = text[found.end() :]
    pieces = [piece.strip() for one in rest for piece in re.split(r"[;{}\n]", one)]
    return [re.sub(rf"^{SED_ADDRESS}$", "", piece) for piece in pieces if piece]


AWK_RUNS: Final = re.compile(
    r"\bsystem\s*\(|\|\s*\"|\|&|\|\s*getline|\bgetline\b|@load|@include|\bclose\s*\(|\bfflush\b"
)
AWK_WRITES: Final = re.compile(r"print[^;}\n]*>")
AWK_STRING: Final = re.compile(r"\"(?:\\.|[^\"\\])*\"|/(?:\\.|[^/\\\n])*/")


def awk(call: Call) -> Effect:
    """Prints what its program makes of its input: a look unless the program writes or runs something."""
    options = Options.of(
        "-F -v --field-separator --assign -f --file -i --include", "-P -r --posix --re-interval -S --sandbox -b"
    )
    parts = split(call.arguments, options, until_argument=True)
    if parts.unknown is not None:
        return unknown(f"`{call.name}` has an option here that we do not know: {parts.unknown.text}.")
    if {"-f", "--file", "-i", "--include"} & parts.names():
        return unknown(f"The program of `{call.name}` is not written here.")
    program = parts.rest[0].text if parts.rest else ""
    return awk_effect(call.name, program)


def awk_effect(name: str, program: str) -> Effect:
    """Says what a program of awk does."""
    if AWK_RUNS.search(program):
        return unknown(f"The program of `{name}` may run a command.")
    bare = AWK_STRING.sub('""', program)
    if re.search(r"\|", bare.replace("||", "")):
        return unknown(f"The program of `{name}` may run a command.")
    for found in AWK_WRITES.finditer(bare):
        if not re.fullmatch(r"print[^;}\n]*\([^()]*>", found.group()) or '>""' in bare.replace(" ", ""):
            return change(f"The program of `{name}` writes a file.", BACK)
    return look(f"`{name}` prints what its program makes of its input.")


def yq(call: Call) -> Effect:
    """Prints parts of YAML; it can edit in place and write files."""
    if call.has("-i", "--inplace", "--in-place", "-s", "--split-exp", "-w") or (
        call.arguments[:1] and call.arguments[0].text == "w"
    ):
        return change(f"`{call.name}` writes a file.", BACK)
    return look(f"`{call.name}` prints what it reads.")


def xmllint(call: Call) -> Effect:
    """Prints XML."""
    if call.has("--output", "--shell") or any(word.text in {"-o", "-shell", "-output"} for word in call.arguments):
        return change("`xmllint` writes a file.", BACK)
    return look("`xmllint` prints what it reads.")


def tee(call: Call) -> Effect:
    """Writes what it reads into files."""
    files = [word for word in call.arguments if not word.is_option and word.text != "/dev/null"]
    if not files:
        return look("`tee` writes no file.")
    named = files[0].text
    if named.startswith(("/proc/", "/sys/")):
        return change(f"`tee` sets {named}.", f"write what {named} held before back to it")
    return change(f"`tee` writes the file {named}.", f"remove {named}, or put back what it held before")


def python(call: Call) -> Effect:
    """Runs Python: the program after `-c`, a module, a script, or what it reads."""
    options = Options.of("-c -m -W -X", "-u -E -s -S -I -B -O -q -v -V -i -b -d -x --version")
    words = call.arguments
    stop = next(
        (i for i, word in enumerate(words) if word.text in {"-c", "-m"} or re.fullmatch(r"-[uEsSIBOq]+c", word.text)),
        None,
    )
    if stop is not None and stop + 1 < len(words) and not words[stop].text.endswith("m"):
        return python_effect(words[stop + 1].text)
    if stop is not None and stop + 1 < len(words):
        return _module(call, words[stop + 1 :])
    parts = split(words, options, until_argument=True)
    if parts.rest and parts.rest[0].text != "-":
        return unknown(f"What the script {parts.rest[0].text} does is not written here.")
    if {"-V", "--version"} & parts.names():
        return look("`python` prints its version.")
    if call.stdin is not None:
        return python_effect(call.stdin)
    return unknown("What Python is to do is not written here.")


def _module(call: Call, words: tuple[Word, ...]) -> Effect:
    name, rest = words[0].text, words[1:]
    if name == "json.tool":
        files = [word for word in rest if not word.is_option and not word.text.isdigit()]
        return (
            change("`json.tool` writes its second file.", BACK) if len(files) > 1 else look("`json.tool` prints JSON.")
        )
    if name in {"platform", "site", "sysconfig", "this", "calendar"}:
        return look(f"`python -m {name}` prints facts.")
    if name == "pip":
        from leakdrill.runbooks.shell.programs.software import PIP  # noqa: PLC0415  # that module needs tables, this one none

        return PIP(call.with_words(words))
    return unknown(f"What the module {name} does is not written here.")


def script(call: Call) -> Effect:
    """Runs a program in a language that we do not read."""
    if call.arguments and call.arguments[-1].text in {"-v", "-V", "--version", "-version"} and len(call.arguments) == 1:
        return look(f"`{call.name}` prints its version.")
    return unknown(f"What the program of `{call.name}` does is not read.")


def calculator(call: Call) -> Effect:
    """Computes."""
    if call.name == "dc" and (call.stdin is None or "!" in call.stdin):
        return unknown("`dc` may run a command.")
    return look(f"`{call.name}` computes.")


def programs() -> dict[str, Judge]:
    """Returns the judges of these programs by name."""
    return {
        "sed": sed, "gsed": sed, "awk": awk, "gawk": awk, "mawk": awk, "nawk": awk, "yq": yq, "xq": yq, "tomlq": yq, "tee": tee,
        "xmllint": xmllint, "python": python, "python2": python, "python3": python, "pypy3": python, "perl": script, "ruby": script,
        "node": script, "php": script, "java": script, "lua": script, "deno": script, "bc": calculator,
        "dc": calculator,
    }  # fmt: skip
