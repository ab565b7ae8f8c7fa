"""Groups of rules in the files that people have: rules files, manifests for Kubernetes, and several of either.

Rules are where a mapping has a list of `groups`: at the top of a rules file, under `spec` of a PrometheusRule or
VMRule, in the `items` of a List, under a key of a chart's values. A bare list of groups is taken for one file, and the
texts of a ConfigMap or Secret for files of their own. What else a file with rules holds is left alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from leakdrill.alerting.foreign_rules import is_definition, refuse_foreign
from leakdrill.alerting.manifest_texts import holds_texts, read_texts
from leakdrill.errors import BadInput
from leakdrill.files import exists, is_file, is_folder
from leakdrill.yaml_file import Document, read_yaml_documents

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from leakdrill.yaml_file import Loc

EXPECTED: Final = "Prometheus rules"
SUFFIXES: Final = frozenset({".yaml", ".yml", ".json", ".rules"})
"""Files of a folder that may hold rules."""
_MOST_ENTRIES: Final = 20_000
_PATTERN: Final = "*?["
_LIKE_RULES: Final = re.compile(r"^[ {\"'-]*groups[\"']? *:", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class RuleGroups:
    """The groups of rules in one place of a file.

    Attributes:
        document: with the data and the lines of that place.
        loc: where the list of groups is in it.
        groups: as they were read; scalars without quotes are `Verbatim`.
        whole: whether Prometheus reads the file as it is.
    """

    document: Document
    loc: Loc
    groups: list[Any]
    whole: bool = False


def read_rule_groups(path: Path) -> list[RuleGroups]:
    """Returns every list of groups in the files that `path` stands for; of several files some may hold no rules.

    Args:
        path: a file, a folder with such files, or a pattern (`rules/*.yaml`, `rules/**/*.rules`).

    Raises:
        BadInput: when a file cannot be read, is of another kind, or nowhere holds rules.
    """
    files = rules_files(path)
    found = [groups for file in files for groups in _of_file(file)]
    if found:
        return found
    if files == [path]:
        raise _without_rules(path)
    raise BadInput(f"{path}: none of its {len(files)} files holds rules; expected {EXPECTED}")


def rules_files(path: Path) -> list[Path]:
    """Returns the files that `path` stands for: itself, those that match it, or those of the folder that it is.

    Raises:
        BadInput: when it is a folder or a pattern that stands for no file.
    """
    if is_folder(path):
        _refuse_large(path, path)
        found = sorted(file for file in path.rglob("*") if file.suffix in SUFFIXES and is_file(file))
    elif is_pattern(path):
        anchor = next(parent for parent in path.parents if exists(parent))
        if sum(any(sign in part for sign in _PATTERN) for part in path.parts) > 1:
            _refuse_large(anchor, path)
        try:
            found = sorted(file for file in anchor.glob(str(path.relative_to(anchor))) if is_file(file))
        except (OSError, ValueError) as e:  # a part of it is too long for a name, or holds `**` and more
            raise BadInput(f"{path}: is no pattern of files: {e}; expected files that hold {EXPECTED}") from e
    else:
        return [path]
    if not found:
        raise BadInput(f"{path}: stands for no file; expected files that hold {EXPECTED}")
    return found


def _refuse_large(folder: Path, path: Path) -> None:
    """Refuses a folder such as `/`, in which looking for rules would take minutes."""
    if sum(1 for _ in islice(folder.rglob("*"), _MOST_ENTRIES + 1)) > _MOST_ENTRIES:
        raise BadInput(f"{path}: {folder} holds more than {_MOST_ENTRIES:,} files; expected a folder of rules")


def is_pattern(path: Path) -> bool:
    """Returns whether `path` is the name of no file, and stands for those that match it."""
    return any(sign in str(path) for sign in _PATTERN) and not exists(path)


def _without_rules(path: Path) -> BadInput:
    documents = read_yaml_documents(path, expected=EXPECTED, scalars="text")
    if not documents:
        return BadInput(f"{path}:1: the file: is empty; expected {EXPECTED}")
    top = documents[0].mapping(documents[0].data, ())
    kind = f"is a manifest of kind {top['kind']} and " if isinstance(top.get("kind"), str) else ""
    return documents[0].wrong((), f"{kind}has no groups; expected {EXPECTED}")


def _of_file(path: Path) -> list[RuleGroups]:
    refuse_foreign(path)
    documents = read_yaml_documents(path, expected=EXPECTED, scalars="text")
    found = [groups for document in documents for groups in _of_document(document)]
    if len(documents) == len(found) == 1 and found[0].document is documents[0] and found[0].loc == ("groups",):
        return [RuleGroups(found[0].document, found[0].loc, found[0].groups, whole=True)]
    return found


def _of_document(document: Document) -> Iterator[RuleGroups]:
    data = document.data
    if is_definition(data):
        return
    if _is_list_of_groups(data):
        yield RuleGroups(document, (), data)
    elif isinstance(data, dict) and "name" in data and isinstance(data.get("rules"), list):
        lines = {(0, *loc): line for loc, line in document.lines.items()}
        yield RuleGroups(Document(document.path, [data], lines), (), [data])
    else:
        yield from _below(document)


def _below(document: Document) -> Iterator[RuleGroups]:
    for loc, value in document.mappings(lambda value, loc: holds_texts(value) or _has_groups(value, loc)):
        if holds_texts(value):
            for inner in read_texts(document, value, loc, like=_LIKE_RULES, expected=EXPECTED):
                yield from _of_document(inner)
        else:
            yield RuleGroups(document, (*loc, "groups"), document.items(value, "groups", loc))


def _has_groups(value: dict[str, Any], loc: Loc) -> bool:
    """Whether rules are here: at their usual places whatever stands there, so that a mistake is named."""
    return "groups" in value and (loc in ((), ("spec",)) or _is_list_of_groups(value["groups"]))


def _is_list_of_groups(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict) and "rules" in one for one in value)
