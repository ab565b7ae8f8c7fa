"""Files of a target whose disk cannot be reached from here, as the steps on files reach them: by commands inside.

They need a POSIX `sh`, `stat -c` and `gzip` in the image, which Debian, Alpine and BusyBox have, and no Python. What a
service writes to a log between its archive and the cut is lost, as with `rotate_log` elsewhere; the gap is longer here.
"""

from __future__ import annotations

import math
import posixpath
import re
from typing import TYPE_CHECKING, Final

from leakdrill.errors import LeakdrillError
from leakdrill.steps.failure import StepFailed
from leakdrill.steps.output import OUTPUT, output_tail
from leakdrill.targets.base.capabilities import FilesInside

if TYPE_CHECKING:
    from leakdrill.steps.context import StepContext

MOVE: Final = """put() {
  if [ -d "$2" ]; then rm -f "$1"; echo "$2 is a folder; expected an archive in its place"; exit 1; fi
  mv -f "$1" "$2"
}
"""
"""`put FILE NAME` gives a file a name; a folder of that name, or a link to one, would have the file moved into it."""

LOG: Final = (
    MOVE
    + """set -e
log=$(readlink -f "$1") keep=$2 suffix=$3 disk=$(readlink -f "$4") packed=0
case $log in "${disk%/}"/*) ;; *) echo "$1 leads to ${log:-nothing}, which is outside of the disk $4"; exit 1 ;; esac
[ -f "$log" ] || { echo "found no file at $1; expected a log"; exit 1; }
[ "$(stat -c %h "$log")" = 1 ] || { echo "$1 has another name elsewhere (a hard link)"; exit 1; }
"""
)
"""The head of a script on a log: its path, how many archives are kept, the suffix of each, and the disk."""

MATCHING: Final = """cd "$1" || exit 1
pattern=$2 older=$3 now=$(date +%s) files=0 before=0 after=0 here=$(pwd -P)
line_end='
'
matching() (
  IFS=
  for file in ./$pattern; do
    case $file in *"$line_end"*) continue ;; esac
    [ -f "$file" ] && [ "$(readlink -f "$file")" = "${here%/}/${file#./}" ] || continue
    seen=$(stat -c '%Y %s' "$file") || continue
    [ $((now - ${seen% *})) -lt "$older" ] || printf '%s %s\\n' "${seen#* }" "$file"
  done | sort -n
)
"""
"""The head of a script on files: the disk, a pattern, and seconds; `matching` lists them, smallest first.

What a link leads to, itself or on the way, is not on the list: it may be somebody else's. Neither is a name of two
lines, which would be taken for two files. Whoever reads the list takes each line as it is, with the blanks at its ends.
"""

_FACT: Final = re.compile(r"(files|bytes_[a-z]+)=(\d+)", re.ASCII)


def find_inside(context: StepContext) -> FilesInside | None:
    """Returns the target when only commands inside reach its disk; None when its files can be reached from here."""
    inside = context.find(FilesInside)
    return inside if inside and inside.disk_inside else None


def path_inside(path: str, target: FilesInside) -> str:
    """The path inside the target of `path` (`{disk}/…`, absolute, or relative to the disk).

    Raises:
        StepFailed: when that is outside of the disk.
    """
    disk = (target.disk_inside or "/").rstrip("/")
    whole = posixpath.normpath(posixpath.join(disk, path.replace("{disk}", disk)))
    if not whole.startswith(f"{disk}/"):
        raise StepFailed(f"\"{path}\" lies outside of the disk {disk} of target '{target.name}'")
    return whole


def find_arguments(pattern: str, older_than_s: float, target: FilesInside) -> list[str]:
    """Returns the arguments of a script that begins with `MATCHING`.

    Raises:
        StepFailed: when the pattern leads out of the disk, or goes into folders.
    """
    disk, path = target.disk_inside or "/", path_inside(pattern, target)
    if "**" in path:
        raise StepFailed(f"{pattern}: no command inside knows `**`; expected a pattern of single names")
    return [disk, posixpath.relpath(path, disk), str(math.ceil(older_than_s))]


def run_inside(script: str, arguments: list[str], target: FilesInside, context: StepContext) -> dict[str, str]:
    """Runs a script inside; its output is kept, and what it says it did is returned as facts.

    Raises:
        StepFailed: when it cannot be run, or a command of it fails.
    """
    output = context.folder / OUTPUT
    try:
        status = target.execute(["sh", "-c", script, "sh", *arguments], output=output, timeout_s=context.timeout_s)
    except LeakdrillError as e:
        raise StepFailed(f"{e}{output_tail(output)}") from e
    if status:
        raise StepFailed(f"a command inside target '{target.name}' ended with status {status}{output_tail(output)}")
    facts = map(_FACT.fullmatch, output.read_text(errors="replace").splitlines())
    return {fact[1]: fact[2] for fact in facts if fact}
