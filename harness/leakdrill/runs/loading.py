"""What is wrong with a load that is started on a service which runs by then."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from leakdrill.errors import BadInput, EnvironmentProblem

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def loading() -> Iterator[None]:
    """Turns bad input that is found only now into another error: exit code 3 says that nothing was started."""
    try:
        yield
    except BadInput as e:
        raise EnvironmentProblem(e.message, hint=e.hint) from e
