"""A target that runs already on this machine: where it answers, and which process it is."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import Final

from pydantic import Field, field_validator
from pydantic_core import Url

from leakdrill.address import FORM, http_address
from leakdrill.scenario.quantities import Frozen, WholeNumber, YesOrNo

SYSTEMCTL: Final = "systemctl"
_LOCALHOST: Final = "localhost"


class ExistingService(Frozen):
    """A service that runs already on this machine: it is watched and loaded, and left as it was."""

    url: str | None = Field(
        None,
        description="Where a service answers that runs already; it is watched and loaded, and not started or stopped.",
        examples=["http://127.0.0.1:8000"],
        json_schema_extra={"pattern": FORM},
    )
    pid: WholeNumber | None = Field(
        None,
        ge=1,
        description="With url: its first process. Left out: whatever listens on the port of url.",
        examples=[4121],
    )
    pid_file: Path | None = Field(
        None,
        description="With url: the file that holds its process id, relative to the scenario file.",
        examples=["/run/shop.pid"],
    )
    listens: WholeNumber | None = Field(
        None,
        ge=1,
        le=65535,
        description="With url: the port that it listens on itself, where a proxy answers at url.",
        examples=[8000],
    )
    unit: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9:_.\\@][A-Za-z0-9:_.\\@-]*$",
        description="With url: the systemd unit that it is. It is measured with all processes of its control group.",
        examples=["shop.service"],
    )
    proxied: YesOrNo = Field(
        default=False,
        description="With url: it listens on no TCP port itself, such as behind nginx on a Unix socket.",
    )
    restart_command: list[str] = Field(
        default_factory=list,
        description="With url: what a step `restart` runs. Left out: systemctl, for a unit; needs --allow.",
        examples=[["supervisorctl", "restart", "shop"]],
    )

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, url: str | None) -> str | None:
        if url is None:
            return None
        try:
            return http_address(url)
        except ValueError as e:
            more = "; http.headers takes a password from the environment" if "password" in str(e) else ""
            raise ValueError(f"{e}{more}") from e

    @property
    def url_port(self) -> int:
        """The port of `url`."""
        return (Url(self.url).port or 0) if self.url else 0

    @property
    def url_host(self) -> str:
        """The host of `url`."""
        return (Url(self.url).host or "").strip("[]") if self.url else ""

    @property
    def on_loopback(self) -> bool:
        """Whether `url` cannot lead to another machine."""
        if self.url_host == _LOCALHOST:
            return True
        try:
            return ip_address(self.url_host).is_loopback
        except ValueError:
            return False  # a name may lead anywhere

    @property
    def own_port(self) -> int | None:
        """The port that the service must be found to listen on; None where nothing says so."""
        if self.listens is not None:
            return self.listens
        return self.url_port if self.on_loopback and not self.proxied else None

    @property
    def restarts_with(self) -> list[str]:
        """The command that restarts it; empty where nothing says how, or which process it is afterwards."""
        if self.restart_command and self.pid is None:
            return self.restart_command
        return [SYSTEMCTL, "restart", "--", self.unit] if self.unit else []

    @property
    def goes_by(self) -> str:
        """What `--allow` must name before the service is changed: its unit, or the host and port of `url`."""
        return self.unit or self.address

    @property
    def address(self) -> str:
        """The host and port of `url`."""
        return f"[{self.url_host}]:{self.url_port}" if ":" in self.url_host else f"{self.url_host}:{self.url_port}"

    def check_way_to_find(self) -> None:
        """Refuse what does not say which process it is.

        Raises:
            ValueError: says what is missing, or too much.
        """
        if self.url is None:
            raise ValueError("expected url, the address at which the unit answers")
        given = [key for key in ("pid", "pid_file", "unit") if getattr(self, key) is not None]
        if len(given) > 1:
            raise ValueError(f"expected one of pid, pid_file and unit; found {', '.join(given)}")
        if not given and self.own_port is None:
            raise ValueError("expected pid, pid_file, unit or listens: which process of this machine is it?")
