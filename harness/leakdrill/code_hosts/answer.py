"""The answers that are taken from an API: a model says what each must hold, and nothing else counts as done.

An API may answer with success and a page of HTML (a proxy's login), `{}`, or a list where an object belongs.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

T = TypeVar("T")
Id = Annotated[int, Field(ge=1, lt=2**63)]
"""By which an API knows what it keeps."""
_WHERE_CHARS: Final = 120


class Part(BaseModel):
    """The part of an object of an API that is looked at; what else it holds does not matter."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")


class Answer(Generic[T]):
    """An answer that is taken: `form` is its type, and `expected` says in words what it is."""

    def __init__(self, form: Any, expected: str) -> None:
        self._adapter: TypeAdapter[T] = TypeAdapter(form)
        self.expected = expected

    def read(self, content: bytes) -> T:
        """Returns what is in `content`, which is JSON; nothing at all is an empty object.

        Raises:
            ValueError: says where `content` is something else, and how.
        """
        try:
            return self._adapter.validate_json(content.strip() or b"{}", strict=True)
        except ValidationError as e:
            first = e.errors(include_url=False, include_input=False, include_context=False)[0]
            place = ".".join(map(str, first["loc"]))[:_WHERE_CHARS]
            text = first["msg"].removeprefix("Value error, ")
            raise ValueError(f"{place}: {text}" if place else text) from e
