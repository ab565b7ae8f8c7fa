"""Programs that change files and folders."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from leakdrill.runbooks.shell.programs.effect import Effect, change, destructive, look
from leakdrill.runbooks.shell.programs.simple import Simple, simple

if TYPE_CHECKING:
    from leakdrill.runbooks.shell.programs.call import Call, Judge

ROWS: Final = """
destructive rm, unlink, shred, wipe, wipefs, truncate, srm, trash, mkfs, mke2fs, mkswap, fsck, e2fsck, xfs_repair | may lose what the files hold
change rmdir | removes an empty folder | `mkdir` it again
change mkdir, install, mktemp, mkfifo, mknod | makes a folder or a file | remove it
change touch | makes a file or sets its time | remove it where it was not there before
change mv, rename | moves a file, and writes over what has the new name | move it back
change cp, scp, ditto | copies a file, and writes over what has the new name | remove the copy, or put back what was there
change ln, link | makes a link | remove the link
change chmod, chown, chgrp, chattr, setfacl, chcon, restorecon, setfattr, chsh, chage | sets rights or owners of files | set them to what they were before
change split, csplit, patch, sponge, dos2unix, unix2dos, mogrify, convert | writes files | remove them, or put back what they held before
change vi, vim, nvim, nano, emacs, ed, ex, visudo, vipw, crudini, augtool, code, subl, pico, joe, micro | edits a file | put back what it held before
change zip, 7z, rar, ar, cpio, pax, mkisofs, genisoimage | packs or unpacks files | remove what it made
look lsattr, getfacl, getfattr | prints rights of files
change fallocate | takes room on a disk | remove the file
change sync, fsfreeze, fstrim | makes the disks write, or tells them what is free
"""


def tar(call: Call) -> Effect:
    """Lists, packs or unpacks an archive."""
    if any(
        re.match(r"--(?:to-command|checkpoint-action|use-compress-program|rsh|info-script|new-volume)", w.text)
        for w in call.arguments
    ):
        return change("`tar` runs a program of its options.")
    if any(re.match(r"-[a-zA-Z]*[IF]", word.text) for word in call.arguments):
        return change("`tar` runs a program of its options.")
    first = call.arguments[0].text.lstrip("-") if call.arguments else ""
    letters = "" if call.arguments and call.arguments[0].text.startswith("--") else first
    lists = "t" in letters or call.has("--list")
    if lists and not call.has("--extract", "--create", "--get") and not set(letters) & set("xcruAI"):
        return look("`tar -t` lists an archive.")
    if call.has("--remove-files", "--delete", "--recursive-unlink"):
        return destructive("`tar` removes files.")
    return change("`tar` packs or unpacks files, and writes over those that are there.", "remove what it made")


def gzip(call: Call) -> Effect:
    """Packs a file in its place; it can test and list, or print."""
    if call.has("-l", "-t", "--list", "--test", "-c", "--stdout", "--to-stdout") or (call.fed and not _files(call)):
        return look(f"`{call.name}` prints what it reads.")
    return change(f"`{call.name}` packs or unpacks a file in its place.", "pack or unpack it again")


def _files(call: Call) -> list[str]:
    return [word.text for word in call.arguments if not word.is_option]


def unzip(call: Call) -> Effect:
    """Unpacks an archive."""
    if call.arguments and re.fullmatch(r"-[lptvzZ]+", call.arguments[0].text):
        return look("`unzip` lists or prints an archive.")
    return change("`unzip` unpacks files, and writes over those that are there.", "remove what it made")


def dd(call: Call) -> Effect:
    """Copies blocks."""
    targets = [word.text[3:] for word in call.arguments if word.text.startswith("of=")]
    if not targets or targets == ["/dev/null"]:
        return look("`dd` reads blocks and writes them nowhere.")
    if targets[0].startswith("/dev/"):
        return destructive(f"`dd` writes over the device {targets[0]}.")
    return destructive(f"`dd` writes over {targets[0]}.")


def rsync(call: Call) -> Effect:
    """Copies files between two places."""
    if (
        call.has("--dry-run", "--list-only")
        or any(re.fullmatch(r"-[a-zA-Z]*n[a-zA-Z]*", w.text) for w in call.arguments)
    ) and not any(w.text in {"-e", "--rsh"} or w.text.startswith("--rsh") for w in call.arguments):
        return look("`rsync -n` only says what it would do.")
    if any(w.text.startswith(("--delete", "--remove-source-files")) for w in call.arguments):
        return destructive("`rsync` deletes files.")
    return change(
        "`rsync` copies files, and writes over those that are there.", "remove the copy, or put back what was there"
    )


def logrotate(call: Call) -> Effect:
    """Rotates logs."""
    if call.has("-d", "--debug"):
        return look("`logrotate -d` only says what it would do.")
    return change("`logrotate` moves logs, and removes old ones.")


def view(call: Call) -> Effect:
    """Opens a file to read; with an option it may run a command of the editor."""
    if any(word.is_option or word.text.startswith("+") for word in call.arguments):
        return change(f"`{call.name}` does what its option says.")
    return look(f"`{call.name}` shows a file.")


def programs() -> dict[str, Judge]:
    """Returns the judges of these programs by name."""
    gzips = dict.fromkeys(
        ("gzip", "gunzip", "bzip2", "bunzip2", "xz", "unxz", "zstd", "unzstd", "pigz", "lz4", "lzma"), gzip
    )
    named = {name: judge for name, judge in simple(ROWS).items() if "." not in name}
    named["fsck"] = Simple(destructive("`fsck` may repair by throwing away."), better=("-N", "-n"))
    return {
        **named, **gzips, "tar": tar, "bsdtar": tar, "unzip": unzip, "dd": dd, "rsync": rsync, "logrotate": logrotate, "view": view,
    }  # fmt: skip
