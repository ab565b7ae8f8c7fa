"""`leakdrill doctor` says which clusters there are and which of them answer, in bounded time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import yaml

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.integration


def clusters(kubeconfig: Path | str, *, before: str = "") -> list[dict[str, object]]:
    """What is said of clusters, in a fresh Python that runs `before` first."""
    code = f"{before}import json; from leakdrill.targets.kubernetes.doctor import examine as e; "
    code += "from dataclasses import asdict; "
    env = {name: value for name, value in os.environ.items() if name != "KUBERNETES_SERVICE_HOST"}
    done = subprocess.run(
        [sys.executable, "-c", code + "print(json.dumps([asdict(one) for one in e()]))"],
        env={**env, "KUBECONFIG": str(kubeconfig)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.stderr, done.stderr
    found: list[dict[str, object]] = json.loads(done.stdout)
    return found


def kubeconfig(file: Path, *contexts: str) -> Path:
    """A kubeconfig with contexts that all lead to a port where nobody listens."""
    server = {"server": "https://127.0.0.1:1"}
    named = [{"name": name, "context": {"cluster": "it", "user": "me"}} for name in contexts]
    content = {
        "clusters": [{"name": "it", "cluster": server}],
        "users": [{"name": "me", "user": {}}],
        "contexts": named,
    }
    file.write_text(yaml.safe_dump({"apiVersion": "v1", "kind": "Config", **content}))
    return file


def test_without_the_package_it_is_named_and_how_to_get_it(tmp_path: Path) -> None:
    (only,) = clusters(tmp_path / "none", before="import sys; sys.modules['kubernetes'] = None; ")
    assert only["detail"] == "the package `kubernetes` is not installed"
    assert only["hint"] == "pip install 'leakdrill[kubernetes]'"


def test_without_a_kubeconfig_that_is_said(tmp_path: Path) -> None:
    (only,) = clusters(tmp_path / "none")
    assert (only["ok"], "no context in" in str(only["detail"])) == (False, True)


def test_a_file_that_is_no_kubeconfig_is_named(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("contexts: 3")
    (only,) = clusters(tmp_path / "config")
    assert "is no kubeconfig" in str(only["detail"])


def test_a_context_that_does_not_answer_is_named_and_those_that_are_not_asked_too(tmp_path: Path) -> None:
    pytest.importorskip("kubernetes")
    found = clusters(kubeconfig(tmp_path / "config", *"abcdefg"))
    assert [one["name"] for one in found] == [*(f"cluster {name}" for name in "abcde"), "Kubernetes"]
    assert "does not answer" in str(found[0]["detail"])
    assert found[-1]["detail"] == "not asked: f, g"
