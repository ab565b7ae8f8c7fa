"""The pytest fixtures on a service: what `allow` stands for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from leakdrill.pytest_plugin.services import allowed_names
from leakdrill.scenario.reader import read_scenario

if TYPE_CHECKING:
    from pathlib import Path

UNIT = "{name: shop, url: 'http://10.0.0.7:80', unit: shop.service}"
CONTAINER = "{name: shop, container: shop-web-1}"


@pytest.mark.parametrize(
    ("target", "allow", "allowed"),
    [
        (UNIT, True, "10.0.0.7:80,shop.service"),
        (CONTAINER, True, "shop-web-1"),
        (CONTAINER, "shop-web-1", "shop-web-1"),
        (CONTAINER, False, None),
        ("{name: shop, command: [x]}", True, None),
    ],
)
def test_true_allows_whatever_the_steps_change(tmp_path: Path, target: str, allow: Any, allowed: str | None) -> None:
    (tmp_path / "locustfile.py").write_text("")
    path = tmp_path / "shop.yaml"
    path.write_text(
        f"name: shop\ntarget: {target}\nload: {{locustfile: locustfile.py}}\nsteps: [{{name: cure, restart: {{}}}}]\n"
    )
    assert allowed_names(read_scenario(path), allow) == allowed
