"""What a redirection does: it reads, it goes nowhere, or it writes a file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from leakdrill.runbooks.shell.programs.effect import Effect, change, destructive, look
from leakdrill.runbooks.shell.words import word

if TYPE_CHECKING:
    from tree_sitter import Node

    from leakdrill.runbooks.shell.parse import Tree

ERROR: Final = 2
"""The highest descriptor that every program has open."""
NOWHERE: Final = re.compile(r"/dev/(?:null|stdout|stderr|tty|fd/\d+)")
DEVICE: Final = re.compile(r"/dev/(?!shm/|tcp/|udp/)")


def redirection(tree: Tree, node: Node, *, alone: bool) -> Effect:
    """Says what a `file_redirect` does; `alone` where it has no command, so that it empties the file."""
    operator = next((child.type for child in node.children if not child.is_named), "")
    destination = node.child_by_field_name("destination")
    if operator in {"<", "<&", "<&-", ">&-"}:
        return look("It only reads.")
    if destination is None:
        return change("It writes to a place that we do not see.")
    target = word(tree, destination)
    if operator == ">&" and target.text.isdigit() and int(target.text[:9]) > ERROR:
        return change(f"It writes to descriptor {target.text}, which was opened elsewhere.")
    if operator == ">&" and (target.text.isdigit() or target.text in {"-", "&-"}):
        return look("It joins two outputs.")
    if destination.type == "process_substitution" or (target.literal and NOWHERE.fullmatch(target.text)):
        return look("It writes no file.")
    return writing(target.text, empties=alone and operator not in {">>", "&>>"})


def writing(path: str, *, empties: bool = False) -> Effect:
    """Says what it does to write a file from the shell."""
    if DEVICE.match(path):
        return destructive(f"It writes to the device {path}.")
    if path.startswith(("/proc/", "/sys/")):
        return change(f"It sets {path}.", f"write what {path} held before back to it")
    if empties:
        return destructive(f"It empties the file {path}.")
    return change(f"It writes the file {path}.", f"remove {path}, or put back what it held before")
