"""The runner's settings, which can be changed while it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leaky_apps.runner.modes import MODES
from leaky_apps.service.settings import Setting, Settings, attribute, flag, one_of, whole

if TYPE_CHECKING:
    from leaky_apps.runner.builds import Builds
    from leaky_apps.runner.modes import Plan

_MOST_AT_ONCE: Final = 16


def runner_settings(plan: Plan, builds: Builds) -> Settings:
    """The settings of a runner made of these parts."""

    def mode(name: str) -> None:
        plan.mode = name  # type: ignore[assignment]  # one_of has checked it
        plan.pinned = False

    return Settings(
        {
            "mode": Setting(one_of(("auto", *MODES)), lambda: plan.mode, mode),
            "retry": attribute(flag(), builds, "retry"),
            "concurrency": attribute(whole(1, _MOST_AT_ONCE), plan, "concurrency"),
        }
    )
