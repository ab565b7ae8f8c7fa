"""One prediction that a client asked for, checked and parsed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from leaky_apps.gateway.model import COLUMNS, as_matrix

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ROWS: Final = 1024
TENSOR_BYTES: Final = _ROWS * COLUMNS * 4
"""64 KiB: a request's rows, padded to the length that the model takes."""

_LONGEST_NAME: Final = 64


@dataclass(frozen=True, slots=True)
class Call:
    """The contents of one `POST /predict`.

    Attributes:
        request_id: as the log calls it.
        body: as it came.
        matrix: `data`, of shape (rows, columns <= 16).
        key: keeps equal data apart.
        model: the version of the weights that is asked for; empty for the one that is built in.
        text: a prompt, which is validated.
        rerank: whether candidates are to be ranked by the answer, downstream.
        job: whether it is to be worked on after the answer, by the batch worker.
    """

    request_id: str
    body: bytes
    matrix: NDArray[np.float32]
    key: str
    model: str
    text: str
    rerank: bool
    job: bool

    def tensor(self) -> NDArray[np.float32]:
        """A new copy of the rows, padded to 64 KiB, every page of it written."""
        padded = np.full((_ROWS, COLUMNS), 0.5, dtype=np.float32)
        rows = self.matrix[:_ROWS]
        padded[: rows.shape[0], : rows.shape[1]] = rows
        return padded


def parse_call(request_id: str, body: bytes) -> Call:
    """The call that `body` describes.

    Raises:
        ValueError: says what is wrong with it.
    """
    try:
        fields = json.loads(body)
    except ValueError as e:
        raise ValueError(f"the body is not JSON: {e}; expected an object") from e
    if not isinstance(fields, dict) or "data" not in fields:
        raise ValueError('expected an object with "data", and a "key" if it should be kept apart')
    return Call(
        request_id=request_id,
        body=body,
        matrix=as_matrix(fields["data"]),
        key=_text(fields, "key"),
        model=_model(fields),
        text=_text(fields, "text"),
        rerank=_flag(fields, "rerank"),
        job=_flag(fields, "job"),
    )


def _text(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name, "")
    if not isinstance(value, str):
        raise ValueError(f"{name}: found {value!r}; expected text")  # noqa: TRY004 - the client's mistake, answered as 422
    return value


def _model(fields: dict[str, Any]) -> str:
    name = _text(fields, "model")
    if name and (len(name) > _LONGEST_NAME or not (name.isascii() and name.replace("-", "").isalnum())):
        raise ValueError(f"model: found {name!r}; expected at most {_LONGEST_NAME} letters, digits and hyphens")
    return name


def _flag(fields: dict[str, Any], name: str) -> bool:
    value = fields.get(name, False)
    if not isinstance(value, bool):
        raise ValueError(f"{name}: found {value!r}; expected true or false")  # noqa: TRY004 - likewise
    return value
