"""What it does to set a variable of the shell: nothing, unless the variable decides what later commands are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from leakdrill.runbooks.shell.programs.effect import Effect, change, look
from leakdrill.runbooks.shell.programs.steering import steers

if TYPE_CHECKING:
    from tree_sitter import Node

    from leakdrill.runbooks.shell.parse import Tree


def judged(tree: Tree, node: Node) -> Effect:
    """Says what an assignment, `export`, `declare`, `readonly`, `local` or `unset` does."""
    nodes = [node] if node.type == "variable_assignment" else node.named_children
    for one in nodes:
        name, value = _pair(tree, one)
        if steers(name, value):
            return change(f"It sets {name}, which decides what later commands do.", f"set {name} to what it was before")
    return look("It sets a variable of this shell alone.")


def _pair(tree: Tree, node: Node) -> tuple[str, str]:
    if node.type == "variable_assignment":
        name, value = node.child_by_field_name("name"), node.child_by_field_name("value")
        return re.split(r"[\[+]", tree.text(name))[0] if name else "", tree.text(value) if value else ""
    return tree.text(node).strip("'\"").partition("=")[0].partition("[")[0], "?"
