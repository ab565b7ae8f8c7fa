"""How requests reach a service that asks who sends them: the headers and certificates that a scenario describes.

The secrets are in the environment of the drill and nowhere else: the scenario, the record and the journal hold the
names of variables, and what their values are is masked wherever it turns up.
"""

from __future__ import annotations

import os
import re
import ssl
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from leakdrill.errors import BadInput
from leakdrill.masking import can_be_hidden, hide
from leakdrill.secret_patterns import MASK, SECRET_NAME

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from leakdrill.scenario.http_access import HttpAccess
    from leakdrill.yaml_file import Loc

_VARIABLE: Final = re.compile(r"\$\{([^}]*)\}")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_IN_A_HEADER: Final = re.compile(r"[\t\x20-\x7e]*")
_AUTHORIZATION: Final = "authorization"


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What a request carries and trusts.

    Attributes:
        headers: of every request, filled in.
        tls: for https; None where the scenario says nothing of it.
    """

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    tls: ssl.SSLContext | None = None

    @property
    def is_open(self) -> bool:
        """Whether whoever asks without it gets the same answer."""
        return not self.headers and self.tls is None

    def headers_with(self, token: str, own: Mapping[str, str] | None = None) -> dict[str, str]:
        """The headers of a request that has its `own` as well, and the run's `token` where nothing else authorizes."""
        headers = {**self.headers}
        for name, text in filled_headers(own or {}).items():
            headers = {other: value for other, value in headers.items() if other.lower() != name.lower()}
            headers[name] = text
        if token and not any(name.lower() == _AUTHORIZATION for name in headers):
            headers["Authorization"] = f"Bearer {token}"
        return headers


ANYONE: Final = Access()
"""For a service that asks nobody."""


def access_to(http: HttpAccess, folder: Path, *, https: bool) -> Access:
    """The access that `http` describes; relative files in it are seen from `folder`.

    Raises:
        BadInput: when a variable is not set, or a file is not what it should be.
    """
    for loc, text in access_mistakes(http, folder):
        raise BadInput(f"{'.'.join(map(str, loc))}: {text}")
    return Access(headers=filled_headers(http.headers), tls=_context(http, folder) if https else None)


def access_mistakes(http: HttpAccess, folder: Path, *, plain: str = "") -> Iterator[tuple[Loc, str]]:
    """What keeps `http` from being used here: where it stands in the scenario, and what is wrong.

    `plain` is as for `header_mistakes`.
    """
    place: Loc = ("target", "http")
    yield from header_mistakes(http.headers, (*place, "headers"), plain=plain)
    unset = False
    for key in ("ca", "certificate", "key", "key_password"):
        reason = _unset(getattr(http, key) or "")
        if not reason and key == "key_password":
            reason = _plain_secret(http.key_password or "")
        if reason:
            unset = True
            yield (*place, key), reason
    if http.uses_tls and not unset:
        try:
            _context(http, folder)
        except OSError as e:  # an error of ssl is one, too
            key = "ca" if http.ca and not _is_loaded(http, folder) else "certificate"
            yield (*place, key), f"cannot be used: {e.strerror or e}; expected files in PEM format that fit"


def header_mistakes(headers: Mapping[str, str], place: Loc, *, plain: str = "") -> Iterator[tuple[Loc, str]]:
    """What is wrong with headers that stand at `place` in the scenario, all of whose text is `plain`.

    Values from the environment are masked wherever they stand, so the names in a scenario must not be among them.
    """
    for name, text in headers.items():
        reason = _unset(text)
        if not reason and SECRET_NAME.fullmatch(name):
            reason = _plain_secret(text)
        if not reason and not _IN_A_HEADER.fullmatch(_filled(text)):
            reason = "its value has characters that no header may have, such as the end of a line"
        if reason := reason or _public(text, plain):
            yield (*place, name), reason


def filled_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """`headers` with their variables filled in, whose values are masked from now on."""
    for text in headers.values():
        _hide_values(text)
    return {name: _filled(text) for name, text in headers.items()}


def _unset(text: str) -> str:
    for name in _VARIABLE.findall(text):
        if not _NAME.fullmatch(name):
            return f"${{{name}}} names no variable; expected one such as ${{SHOP_TOKEN}}"
        if not os.environ.get(name):
            return f"{name} is not set in the environment; expected a value for ${{{name}}}"
    return ""


def _public(text: str, plain: str) -> str:
    for name in _VARIABLE.findall(text):
        value = os.environ.get(name, "")
        if can_be_hidden(value) and value in plain:
            return f"the value of {name} stands elsewhere in the scenario; expected a secret, or the text itself"
    return ""


def _plain_secret(text: str) -> str:
    if not text or text == MASK or _VARIABLE.search(text):
        return ""
    return "found a secret in the file; expected it from the environment, such as ${SHOP_TOKEN}"


def _filled(text: str) -> str:
    """`text` with its variables filled in. Call `_unset` first."""
    return _VARIABLE.sub(lambda match: os.environ.get(match[1], ""), text)


def _hide_values(text: str) -> None:
    for name in _VARIABLE.findall(text):
        hide(os.environ.get(name, ""))


def _context(http: HttpAccess, folder: Path) -> ssl.SSLContext:
    """The certificates to trust and to show. Raises OSError."""
    context = ssl.create_default_context(cafile=str(folder / _filled(http.ca)) if http.ca else None)
    if http.certificate:
        # Without a password of its own, OpenSSL would ask for one at the terminal.
        password = _filled(http.key_password or "")
        _hide_values(http.key_password or "")
        key = str(folder / _filled(http.key)) if http.key else None
        context.load_cert_chain(str(folder / _filled(http.certificate)), key, password=lambda: password)
    return context


def _is_loaded(http: HttpAccess, folder: Path) -> bool:
    try:
        ssl.create_default_context(cafile=str(folder / _filled(http.ca or "")))
    except OSError:
        return False
    return True
