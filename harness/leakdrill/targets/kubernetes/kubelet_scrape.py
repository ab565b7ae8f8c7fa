"""Prometheus' own way to the kubelets: a scrape of their cAdvisor through the API server, with a run's credentials.

Prometheus reads addresses and credentials from files, again and again, so a pod on another node and a token that was
renewed need no restart. The files lie in a folder of the run that only its user can read, outside of the run folder,
because a record is shown to others. The journal hears of the folder before it is made.
"""

from __future__ import annotations

import json
import os
import shutil
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from leakdrill.errors import EnvironmentProblem
from leakdrill.scenario.kubernetes import KUBELET, KUBELET_SCRAPED_EVERY_S

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from leakdrill.record.journal import Entry, Journal
    from leakdrill.targets.kubernetes.api import Cluster

_RENEWED_EVERY_S: Final = 1.0


class KubeletJob:
    """The scrape job of one run, from `start` to `stop`.

    Args:
        cluster: whose API server passes the question on, and as whom.
        namespace: of the pods; series of other namespaces are dropped.
        pods: the pattern of the names of its pods; series of others are dropped.
        nodes: the names of the nodes that the pods are on now.
        labels: put on every series, as a production scrape may.
        folder: made for the files, and removed; its name begins as those of all folders of a run do.
        journal: hears of it before.
    """

    def __init__(
        self,
        cluster: Cluster,
        *,
        namespace: str,
        pods: str,
        nodes: Callable[[], Collection[str]],
        labels: Mapping[str, str],
        folder: Path,
        journal: Journal,
    ) -> None:
        self._cluster = cluster
        self._namespace, self._pods = namespace, pods
        self._nodes, self._labels = nodes, dict(labels)
        self._folder = folder
        self._journal = journal
        self._entry: Entry | None = None
        self._written: dict[Path, bytes] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._renew, name="kubelet-job", daemon=True)

    def start(self) -> dict[str, Any]:
        """Write the files, keep them true from now on, and return the entry of `scrape_configs`.

        Raises:
            EnvironmentProblem: when Prometheus has no such way to say who we are.
        """
        self._entry = self._journal.plan("folder", part="alerting", path=str(self._folder))
        self._folder.mkdir(mode=0o700)
        configuration = self._cluster.configuration
        tls = self._tls(configuration)
        token = self._write_token()
        self._write(self._folder / "nodes.json", b"[]")
        self._thread.start()
        return scrape_job(
            self._cluster.address,
            namespace=self._namespace,
            pods=self._pods,
            nodes_file=self._folder / "nodes.json",
            tls=tls,
            token_file=token,
            proxy=getattr(configuration, "proxy", None),
        )

    def stop(self) -> None:
        """Remove the files. May be called again."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()
        if self._entry is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._journal.undone(self._entry)
            self._entry = None

    def _renew(self) -> None:
        nodes: set[str] = set()
        while not self._over.wait(_RENEWED_EVERY_S):
            # While every pod is replaced none is on a node; the kubelet still tells how the old ones were.
            nodes = set(self._nodes()) or nodes
            self._write(
                self._folder / "nodes.json", json.dumps(targets(self._cluster.address, nodes, self._labels)).encode()
            )
            self._write_token()

    def _tls(self, configuration: Any) -> dict[str, Any]:
        """The TLS part, its files copied: those of the official client go when it goes."""
        config: dict[str, Any] = {}
        ca = getattr(configuration, "ca_cert_data", None)
        files = {
            "ca_file": configuration.ssl_ca_cert,
            "cert_file": configuration.cert_file,
            "key_file": configuration.key_file,
        }
        for name, content in {name: Path(path).read_bytes() for name, path in files.items() if path}.items():
            config[name] = self._kept(name, content)
        if ca and "ca_file" not in config:
            config["ca_file"] = self._kept("ca_file", ca if isinstance(ca, bytes) else str(ca).encode())
        if getattr(configuration, "tls_server_name", None):
            config["server_name"] = configuration.tls_server_name
        return config if configuration.verify_ssl else {**config, "insecure_skip_verify": True}

    def _kept(self, name: str, content: bytes) -> str:
        self._write(self._folder / name, content)
        return str(self._folder / name)

    def _write_token(self) -> Path | None:
        """The bearer token in a file of its own; None where a certificate says who we are."""
        kind, _, secret = self._cluster.headers().get("authorization", "").partition(" ")
        if not secret:
            return None
        if kind != "Bearer":
            raise EnvironmentProblem(
                f"context {self._cluster.context}: Prometheus cannot scrape the kubelets with {kind} authorization",
                hint="target.kubernetes.series: exporter, or a context with a certificate or a token",
            )
        self._write(self._folder / "token", secret.encode())
        return self._folder / "token"

    def _write(self, path: Path, content: bytes) -> None:
        """At once or not at all, because Prometheus may read at any time; nothing where it says that already."""
        if self._written.get(path) == content:
            return
        beside = path.with_name(f"{path.name}.new")
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content)
        beside.rename(path)
        self._written[path] = content


def scrape_job(
    address: str,
    *,
    namespace: str,
    pods: str,
    nodes_file: Path,
    tls: Mapping[str, Any],
    token_file: Path | None,
    proxy: str | None = None,
) -> dict[str, Any]:
    """The entry of `scrape_configs`: which kubelets, as whom, and which of their series stay.

    cAdvisor's own times are kept (`honor_timestamps`): a sample is as old as the measurement, and not as the scrape.

    Args:
        address: of the API server.
        namespace: of the pods.
        pods: the pattern of the names of the pods.
        nodes_file: as `targets` are written.
        tls: `tls_config`.
        token_file: the bearer token, if there is one.
        proxy: on the way to the API server, if there is one.
    """
    every = f"{KUBELET_SCRAPED_EVERY_S:g}s"
    return {
        "job_name": KUBELET,
        "honor_labels": True,
        "honor_timestamps": True,
        "scrape_interval": every,
        "scrape_timeout": every,
        "scheme": urlsplit(address).scheme,
        **({"proxy_url": proxy} if proxy else {}),
        **({"tls_config": dict(tls)} if tls else {}),
        **({"authorization": {"credentials_file": str(token_file)}} if token_file else {}),
        "file_sd_configs": [{"files": [str(nodes_file)], "refresh_interval": every}],
        "metric_relabel_configs": [
            {"source_labels": ["namespace"], "regex": _literal(namespace), "action": "keep"},
            {"source_labels": ["pod"], "regex": pods, "action": "keep"},
        ],
    }


def targets(address: str, nodes: Collection[str], labels: Mapping[str, str]) -> list[dict[str, Any]]:
    """What the file of targets holds: the API server, once for each of `nodes`, and the way to its cAdvisor."""
    where = urlsplit(address)
    host = f"[{where.hostname}]" if ":" in (where.hostname or "") else where.hostname
    port = where.port or (443 if where.scheme == "https" else 80)
    return [
        {
            "targets": [f"{host}:{port}"],
            "labels": {
                **labels,
                "__metrics_path__": f"{where.path.rstrip('/')}/api/v1/nodes/{node}/proxy/metrics/cadvisor",
                "instance": node,
                "node": node,
            },
        }
        for node in sorted(nodes)
    ]


def _literal(name: str) -> str:
    return name.replace(".", r"\.")
