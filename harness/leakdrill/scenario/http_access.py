"""How requests reach a service that asks who sends them: headers and certificates, with secrets in the environment."""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import AfterValidator, Field, model_validator

from leakdrill.scenario.quantities import Frozen

_HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_OURS: Final = ("accept-encoding", "connection", "content-length", "host", "transfer-encoding")


def _names_headers(headers: dict[str, str]) -> dict[str, str]:
    for name in headers:
        if not _HEADER_NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name of a header")
        if name.lower() in _OURS:
            raise ValueError(f"{name} is set for each request; expected other headers")
    return headers


Headers = Annotated[dict[str, str], AfterValidator(_names_headers)]


class HttpAccess(Frozen):
    """How requests to the service are made: to its health path, its metrics, the leaks' switches, and by steps."""

    headers: Headers = Field(
        default_factory=dict,
        description="Headers of every request; ${NAME} is a variable of the environment that the drill runs in.",
        examples=[{"Authorization": "Bearer ${SHOP_TOKEN}"}],
    )
    ca: str | None = Field(
        None,
        min_length=1,
        description="With an https url: a file with the authorities to trust, relative to the scenario file, or "
        "${NAME}. Left out: those of this machine.",
        examples=["ca.pem"],
    )
    certificate: str | None = Field(
        None,
        min_length=1,
        description="With an https url: a file with the client's certificate, for mutual TLS.",
        examples=["${SHOP_CERTIFICATE}"],
    )
    key: str | None = Field(
        None,
        min_length=1,
        description="The file with its key. Left out: it is in the certificate's file.",
        examples=["${SHOP_KEY}"],
    )
    key_password: str | None = Field(
        None, description="The password of the key: ${NAME}, a variable of the environment.", examples=["${SHOP_PASS}"]
    )

    @property
    def uses_tls(self) -> bool:
        """Whether it says something that only an https url needs."""
        return any((self.ca, self.certificate, self.key, self.key_password))

    @model_validator(mode="after")
    def _a_key_is_of_a_certificate(self) -> HttpAccess:
        if (self.key or self.key_password) and not self.certificate:
            raise ValueError("expected certificate, whose key it is")
        return self
