"""The documents that runbooks ask for, filled from incidents by Jinja templates: the user's own, else ours.

A template is named after what it makes: `root-cause.md.j2` makes `root-cause.md`. What begins with `_` is a part that
others include. Templates run in Jinja's sandbox, and a name that does not exist is a mistake, not an empty text. The
sandbox bounds neither time nor memory: loops in loops, or a text that is doubled thirty times. So whoever has templates
of others filled gives a place to do it in that does.
"""

from __future__ import annotations

import re
import traceback
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from jinja2 import ChoiceLoader, FunctionLoader, StrictUndefined, Template, TemplateError, TemplateSyntaxError
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from leakdrill.errors import BadInput
from leakdrill.files import is_folder, read_below
from leakdrill.printable import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jinja2.runtime import Context

    from leakdrill.judging.incidents.incident import Incident
    from leakdrill.judging.incidents.resolution_times import ResolutionTimes

SUFFIX: Final = ".j2"
OURS: Final = Path(str(files("leakdrill.reports"))) / "document_templates"
MESSAGES: Final = ("warning", "critical")
"""The templates of messages, by the severity of the alert that they are about."""
OVER_RUNS: Final = "time-to-resolve"
"""The template that is filled once, from all runs together."""
_MOST_BYTES: Final = 2**18
_MOST_CHARS: Final = 2**20
_NAME: Final = re.compile(r"[A-Za-z0-9_][\w.-]{0,80}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Document:
    """One document.

    Attributes:
        name: the file that it is to be, such as `root-cause.md`.
        run_id: the run that it is about; empty where it is about all.
        text: what it says; empty where it was not made.
        left_out: why it was not made; empty where it was.
    """

    name: str
    run_id: str
    text: str
    left_out: str = ""


class _Environment(ImmutableSandboxedEnvironment):
    """Templates in which a short expression cannot fill the machine's memory."""

    intercepted_binops = frozenset({"*", "**", "%"})
    _WIDENS: Final = frozenset({"ljust", "rjust", "center", "zfill", "expandtabs", "format", "format_map"})

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Numbers are multiplied; text is neither repeated nor formatted, and there are no powers."""
        if operator == "**" or not (isinstance(left, int | float) and isinstance(right, int | float)):
            raise SecurityError(f"{operator} is for numbers alone, and there are no powers")
        return super().call_binop(context, operator, left, right)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Not what makes a text as long as a number says."""
        return attr not in self._WIDENS and super().is_safe_attribute(obj, attr, value)


class Lost(Exception):  # noqa: N818 - it was lost by no mistake of ours
    """The place in which a template was filled came to its end before."""


def _here(fill: Callable[[], str]) -> str:
    return fill()


class DocumentTemplates:
    """The templates in `folder`, and ours for what has none there.

    Args:
        folder: with the user's templates; None where there are none.
        place: where each is filled: it returns what the function that it gets does, or raises `Lost`.

    Raises:
        BadInput: when `folder` is none, holds no template, or one of them cannot be read.
    """

    def __init__(self, folder: Path | None = None, *, place: Callable[[Callable[[], str]], str] = _here) -> None:
        self._folder, self._fill_at = folder, place
        self.names = _names(folder)
        loaders = [FunctionLoader(partial(_source, at)) for at in (folder, OURS) if at is not None]
        self._environment = _Environment(
            loader=ChoiceLoader(loaders), undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False
        )
        for name in ("center", "format", "indent", "wordwrap"):
            del self._environment.filters[name]
        del self._environment.globals["lipsum"]
        self._environment.filters |= {"cell": _cell, "code": _code}

    def documents(self, incidents: Sequence[Incident], times: Sequence[ResolutionTimes]) -> list[Document]:
        """Every document of every incident, then those about all of them.

        Raises:
            BadInput: for a mistake in a template, with file and line.
        """
        per_run = [name for name in self.names if _stem(name) != OVER_RUNS]
        made = [self._of_run(name, one) for one in incidents for name in per_run]
        over = [name for name in self.names if _stem(name) == OVER_RUNS]
        variables = {"runs": list(incidents), "times": list(times)}
        return [*made, *(Document(_made(name), "", self._render(name, variables)) for name in over)]

    def _of_run(self, name: str, one: Incident) -> Document:
        severity = _stem(name)
        if severity not in MESSAGES:
            return Document(_made(name), one.run_id, self._render(name, {"run": one}))
        message = one.messages.get(severity)
        if message is None:
            return Document(_made(name), one.run_id, "", f"no alert of severity {severity} fired in this run")
        return Document(_made(name), one.run_id, self._render(name, {"run": one, "message": message}))

    def _render(self, name: str, variables: dict[str, Any]) -> str:
        try:
            return self._fill_at(partial(self._fill, name, variables))
        except Lost as e:
            raise BadInput(f"{self._at(name)}: {e}") from e

    def _fill(self, name: str, variables: dict[str, Any]) -> str:
        try:
            return _bounded(self._environment.get_template(name), variables)
        except TemplateSyntaxError as e:
            raise BadInput(f"{e.filename or name}:{e.lineno}: {e.message}") from e
        except BadInput:
            raise
        except Exception as e:  # what an expression of a template raises is anything
            where = _place(e, (OURS, self._folder)) or self._at(name)
            raise BadInput(f"{where}: {_said(e)}", hint="docs/tasks/rehearse-a-runbook.md lists the names") from e

    def _at(self, name: str) -> Path:
        """The file of a template."""
        own = self._folder is not None and (self._folder / name).exists()
        return (self._folder if own and self._folder else OURS) / name


def _names(folder: Path | None) -> list[str]:
    ours = sorted(path.name for path in OURS.glob(f"[!_]*{SUFFIX}"))
    if folder is None:
        return ours
    if not is_folder(folder):
        raise BadInput(f"{folder}: is no folder; expected one with templates, such as root-cause.md{SUFFIX}")
    theirs = sorted(path.name for path in folder.glob(f"*{SUFFIX}"))
    if not theirs:
        raise BadInput(f"{folder}: holds no template; expected names such as root-cause.md{SUFFIX}")
    wrong = next((name for name in theirs if not _NAME.fullmatch(name)), None)
    if wrong is not None:
        raise BadInput(f"{folder}/{printable(wrong)}: expected a name of letters, digits, dots and hyphens")
    theirs = [name for name in theirs if not name.startswith("_")]
    taken = {_stem(name) for name in theirs}
    return sorted([*theirs, *(name for name in ours if _stem(name) not in taken)])


def _source(folder: Path, name: str) -> tuple[str, str, None] | None:
    """The text of a template, as Jinja asks for it; None where `folder` has none of that name."""
    if not _NAME.fullmatch(name) or not (path := folder / name).exists():
        return None
    try:
        return read_below(folder, name, most_bytes=_MOST_BYTES).decode(), str(path), None
    except OSError as e:
        raise BadInput(f"{path}: {e.strerror}") from e
    except UnicodeDecodeError as e:
        raise BadInput(f"{path}: is not valid UTF-8; expected a template") from e


def _bounded(template: Template, variables: dict[str, Any]) -> str:
    pieces, length = [], 0
    for piece in template.generate(variables):
        pieces.append(piece)
        length += len(piece)
        if length > _MOST_CHARS:
            raise BadInput(f"{template.filename}: makes more than {_MOST_CHARS:,} characters")
    return "".join(pieces)


def _place(error: BaseException, folders: Sequence[Path | None]) -> str:
    """The file and line of the template that an error comes from; empty where it comes from none."""
    roots = tuple(str(folder) for folder in folders if folder is not None)
    frames = [one for one in traceback.extract_tb(error.__traceback__) if one.filename.startswith(roots)]
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""


def _said(error: BaseException) -> str:
    if isinstance(error, TemplateError):
        return printable(str(error.message or error))
    if isinstance(error, MemoryError):
        return "takes too much memory"
    if isinstance(error, TimeoutError):
        return str(error)
    if isinstance(error, RecursionError):
        return "includes itself without end"
    return printable(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__)


def _stem(name: str) -> str:
    return name.partition(".")[0]


def _made(name: str) -> str:
    return name.removesuffix(SUFFIX)


def _cell(value: object) -> str:
    """Text for a cell of a Markdown table."""
    return " ".join(str(value).split()).replace("|", "\\|")


def _code(value: object) -> str:
    """Text with the signs of Markdown, such as a command, shown as it is."""
    text = " ".join(str(value).split())
    fence = "`" * (max((len(run) for run in re.findall(r"`+", text)), default=0) + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}" if re.search(r"[*_<>`\[\]$#|]", text) else text
