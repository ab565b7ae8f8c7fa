"""The rights in `deploy/leakdrill-rbac.yaml` are enough for a drill, and give no more than their list says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml
from applied import COLLECTIONS, applied
from kube_bench import NAMESPACE, ROOT, Bench

from leakdrill.load.workers import worker_plan
from leakdrill.meters.meter import Closable
from leakdrill.scenario.load import Load
from leakdrill.targets.kubernetes.api import ClusterRefused, connect

if TYPE_CHECKING:
    from pathlib import Path

FILE = ROOT / "deploy" / "leakdrill-rbac.yaml"


@pytest.fixture
def account(cluster, tmp_path, monkeypatch):
    """A kubeconfig of the service account in the file, in the place of our own."""
    manifests = list(yaml.safe_load_all(FILE.read_text()))
    with applied(cluster, manifests):
        asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
        place = f"{COLLECTIONS['ServiceAccount']}/leakdrill/token"
        token = cluster.create(place, asked)["status"]["token"]
        monkeypatch.setenv("KUBECONFIG", str(_kubeconfig(cluster, tmp_path, token)))
        yield


def _kubeconfig(cluster, folder, token) -> Path:
    file = folder / "account.conf"
    ca = cluster.configuration.ssl_ca_cert
    context = {"name": "account", "context": {"cluster": "it", "user": "it"}}
    file.write_text(
        yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "it", "cluster": {"server": cluster.address, "certificate-authority": ca}}],
                "users": [{"name": "it", "user": {"token": token}}],
                "contexts": [context],
            }
        )
    )
    return file


def _load_workers(this, folder) -> None:
    """Bring up one worker of a load, which finds no master, and take it back."""
    (folder / "locustfile.py").write_text("")
    workers = this.target.load_workers()
    spec = Load(locustfile=folder / "locustfile.py")
    workers.start(worker_plan(spec, master=("127.0.0.1", 9), addresses=workers.addresses(), max_run_s=10))
    (state,) = workers.states()
    assert not state.ended
    workers.stop()


@pytest.mark.usefixtures("account")
def test_a_drill_needs_no_more_rights_than_those(tmp_path, cluster):
    this = Bench(tmp_path, limits={"memory": "192MiB"})
    try:
        this.target.start()
        for meter in this.target.meters():
            meter.read()
            if isinstance(meter, Closable):
                meter.close()
        this.step(set_env={"COLOUR": "blue"})
        this.step(scale={"replicas": 2})
        this.step(exec={"command": ["true"]})
        this.step(autoscale={"min": 1, "max": 2, "cpu": "80%"})
        this.step(delete_pod={"which": "newest"})
        _load_workers(this, tmp_path)
        with pytest.raises(ClusterRefused, match="forbidden"):
            connect().get("/api/v1/namespaces/kube-system/secrets")
    finally:
        this.close()
    assert cluster.find(f"/api/v1/namespaces/{NAMESPACE}") is None
    assert not this.journal.pending()
