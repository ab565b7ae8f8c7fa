"""Variables by which a later command runs something else, or writes somewhere else."""

from __future__ import annotations

import re
from typing import Final

STEERING: Final = re.compile(
    r"PATH|CDPATH|FPATH|IFS|ENV|BASH_ENV|BASHOPTS|SHELLOPTS|PROMPT_COMMAND|PS[0-4]|SHELL|HOME|TMPDIR|LD_\w+|DYLD_\w+|GIT_\w+|"
    r"\w*PAGER|\w*EDITOR|VISUAL|BROWSER|LESS(?:OPEN|CLOSE)|PSQLRC|KUBECTL_EXTERNAL_DIFF|SYSTEMD_\w+|PYTHON\w*|PERL\w*|RUBY\w*|"
    r"NODE_OPTIONS|NODE_PATH|JAVA_TOOL_OPTIONS|_JAVA_OPTIONS|JDK_JAVA_OPTIONS|CURL_HOME|WGETRC|BASH_FUNC_.*|AWKPATH|GREP_OPTIONS|"
    r"DOCKER_CLI_\w+|RSYNC_RSH|TAR_OPTIONS"
)
PLAIN: Final = frozenset({"cat", "", "less", "off"})
"""Values that make a pager no danger."""


def steers(name: str, value: str = "?") -> bool:
    """Whether setting this variable changes what later commands do."""
    if name.endswith(("PAGER", "SYSTEMD_COLORS")) and value.strip("'\"") in PLAIN:
        return False
    return bool(STEERING.fullmatch(name))


def is_steering(setting: str) -> bool:
    """Whether `NAME=value` decides what a command does."""
    name, equals, value = setting.partition("=")
    return steers(name.rstrip("+").partition("[")[0], value if equals else "?")
