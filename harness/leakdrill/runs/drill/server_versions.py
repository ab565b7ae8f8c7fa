"""The versions of the servers that a drill starts."""

from __future__ import annotations

import shutil
import subprocess

from leakdrill.alerting.alertmanager import BINARIES as ALERTMANAGER
from leakdrill.alerting.prometheus import BINARIES as PROMETHEUS


def server_versions() -> dict[str, str]:
    """The versions of Prometheus and Alertmanager on this machine; those that are not installed are left out."""
    versions = {}
    for name, binaries in (("prometheus", PROMETHEUS), ("alertmanager", ALERTMANAGER)):
        path = next((path for binary in binaries if (path := shutil.which(binary))), None)
        if path is not None:
            done = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=10, check=False)
            words = (done.stdout + done.stderr).split()
            versions[name] = words[words.index("version") + 1] if "version" in words[:-1] else "unknown"
    return versions
