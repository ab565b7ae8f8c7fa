"""What a kubeconfig says of who we are, with its certificates and its key in memory alone.

The official client writes what stands in a kubeconfig into temporary files, and removes them when the process ends in
good order: after a SIGKILL a private key would stay in /tmp for good.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
from pathlib import Path
from typing import Any, Final

_FILES: Final = ("ssl_ca_cert", "cert_file", "key_file")
_ONE_AT_A_TIME: Final = threading.Lock()
"""The client remembers the files that it wrote, for all threads together."""


class Credentials:
    """The settings of the official client for one context.

    Args:
        config: the client's module that reads kubeconfigs.
        client: the client's module with its settings.
        files: the kubeconfig.
        context: which of its contexts.

    Raises:
        ConfigException: of the client's, when it cannot use them.

    Attributes:
        settings: the client's own `Configuration`; its paths are good in this process alone, until `close`.
    """

    def __init__(self, config: Any, client: Any, *, files: str, context: str) -> None:
        self.settings = client.Configuration()
        self._open = contextlib.ExitStack()
        with _ONE_AT_A_TIME, tempfile.TemporaryDirectory(prefix="leakdrill-") as folder:
            config.load_kube_config(
                config_file=files,
                context=context,
                client_configuration=self.settings,
                persist_config=False,
                temp_file_path=folder,
            )
            for name in _FILES:
                path = getattr(self.settings, name)
                if path and Path(path).is_relative_to(folder):
                    setattr(self.settings, name, self._in_memory(name, Path(path).read_bytes()))

    def close(self) -> None:
        """Forget them."""
        self._open.close()

    def _in_memory(self, name: str, content: bytes) -> str:
        descriptor = os.memfd_create(name)
        self._open.callback(os.close, descriptor)
        os.write(descriptor, content)
        return f"/proc/self/fd/{descriptor}"
