"""The steps on files for a target whose disk cannot be reached from here: the same, by commands inside.

They need a POSIX `sh`, `stat -c` and `gzip` in the image, which Debian, Alpine and BusyBox have, and no Python. What a
service writes to a log between its archive and the cut is lost, as with `rotate_log` elsewhere; the gap is longer here.
"""

from __future__ import annotations

import math
import posixpath
from typing import TYPE_CHECKING, Final

from leakdrill.errors import LeakdrillError
from leakdrill.scenario.actions import CompressFiles, DeleteFiles, RotateLog, TruncateLog
from leakdrill.steps.exec import OUTPUT, said
from leakdrill.steps.failure import StepFailed

if TYPE_CHECKING:
    from pathlib import Path

    from leakdrill.targets.base.capabilities import FilesInside

OnFiles = TruncateLog | RotateLog | DeleteFiles | CompressFiles

_LOG: Final = """set -e
log=$1 keep=$2 suffix=$3 packed=0
[ -f "$log" ] || { echo "found no file at $log; expected a log"; exit 1; }
"""
_TRUNCATE: Final = _LOG + 'size=$(stat -c %s "$log"); : > "$log"; echo "bytes_freed=$size"'
_ROTATE: Final = (
    _LOG
    + """if [ "$keep" -gt 0 ]; then
  partial="$log.1$suffix.partial"
  if [ -n "$suffix" ]; then packer="gzip -1 -c"; else packer=cat; fi
  $packer "$log" > "$partial" || { rm -f "$partial"; exit 1; }
  n=1; while [ "$n" -lt "$keep" ] && [ -e "$log.$n$suffix" ]; do n=$((n + 1)); done
  while [ "$n" -gt 1 ]; do mv -f "$log.$((n - 1))$suffix" "$log.$n$suffix"; n=$((n - 1)); done
  mv -f "$partial" "$log.1$suffix"
  packed=$(stat -c %s "$log.1$suffix")
fi
size=$(stat -c %s "$log"); : > "$log"
n=$((keep + 1)); while [ -e "$log.$n$suffix" ]; do rm -f "$log.$n$suffix"; n=$((n + 1)); done
echo "bytes_freed=$size"; echo "bytes_archived=$packed"
"""
)
_MATCHING: Final = """cd "$1" || exit 1
pattern=$2 older=$3 now=$(date +%s) files=0 before=0 after=0
matching() (
  IFS=
  for file in $pattern; do
    [ -f "$file" ] && [ ! -L "$file" ] || continue
    seen=$(stat -c '%Y %s' "$file") || continue
    [ $((now - ${seen% *})) -lt "$older" ] || printf '%s %s\\n' "${seen#* }" "$file"
  done | sort -n
)
"""
_DELETE: Final = (
    _MATCHING
    + """matching | { while read -r size file; do
  rm -f "$file" || exit 1
  files=$((files + 1)) before=$((before + size))
done; echo "files=$files"; echo "bytes_freed=$before"; }
"""
)
_COMPRESS: Final = (
    _MATCHING
    + """matching | { while read -r size file; do
  case $file in *.gz) continue ;; esac
  partial="$file.gz.partial"
  gzip -1 -c "$file" > "$partial" && touch -r "$file" "$partial" || { rm -f "$partial"; exit 1; }
  mv -f "$partial" "$file.gz" && rm -f "$file" || exit 1
  files=$((files + 1)) before=$((before + size)) after=$((after + $(stat -c %s "$file.gz")))
done; echo "files=$files"; echo "bytes_before=$before"; echo "bytes_after=$after"; }
"""
)


def on_files_inside(action: OnFiles, target: FilesInside, *, folder: Path, timeout_s: float) -> dict[str, str]:
    """Do what `action` says by one command inside; what it says is kept in `folder`, and returned as facts.

    Raises:
        StepFailed: when there is no such file, the path leads out of the disk, or a command fails.
    """
    path = path_inside(action.path, target)
    match action:
        case TruncateLog():
            words = [_TRUNCATE, "sh", path, "0", ""]
        case RotateLog():
            words = [_ROTATE, "sh", path, str(action.keep), ".gz" if action.compress else ""]
        case DeleteFiles() | CompressFiles():
            disk = target.disk_inside or "/"
            if "**" in path:
                raise StepFailed(f"{action.path}: no command inside knows `**`; expected a pattern of single names")
            script = _DELETE if isinstance(action, DeleteFiles) else _COMPRESS
            words = [script, "sh", disk, posixpath.relpath(path, disk), str(math.ceil(action.older_than))]
    return _facts(["sh", "-c", *words], target, folder=folder, timeout_s=timeout_s)


def path_inside(path: str, target: FilesInside) -> str:
    """Where `path` (`{disk}/…`, absolute, or relative to the disk) lies inside.

    Raises:
        StepFailed: when that is outside of the disk.
    """
    disk = (target.disk_inside or "/").rstrip("/")
    whole = posixpath.normpath(posixpath.join(disk, path.replace("{disk}", disk)))
    if not whole.startswith(f"{disk}/"):
        raise StepFailed(f"\"{path}\" lies outside of the disk {disk} of target '{target.name}'")
    return whole


def _facts(argv: list[str], target: FilesInside, *, folder: Path, timeout_s: float) -> dict[str, str]:
    folder.mkdir(parents=True, exist_ok=True)
    output = folder / OUTPUT
    try:
        status = target.execute(argv, output=output, timeout_s=timeout_s)
    except LeakdrillError as e:
        raise StepFailed(f"{e}{said(output)}") from e
    if status:
        raise StepFailed(f"a command inside target '{target.name}' ended with status {status}{said(output)}")
    lines = output.read_text(errors="replace").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)
