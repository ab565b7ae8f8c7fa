"""The installed package makes the same image of the sample services as the checkout: all of it is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from installed_package import ROOT, built_wheel, installed, run
from leakdrill.runs.catalogue.catalogue import find_scenario
from leakdrill.scenario.reader import read_scenario
from leakdrill.targets.docker.image import ready_image

if TYPE_CHECKING:
    from pathlib import Path

MAKES = """
import docker
from leakdrill.runs.catalogue.catalogue import find_scenario
from leakdrill.scenario.reader import read_scenario
from leakdrill.targets.docker.image import ready_image

path = find_scenario("gateway/unbounded-cache")
assert {folder!r} in str(path)
print(ready_image(docker.from_env(), read_scenario(path).target.container, scenario_dir=path.resolve().parent))
"""


def test_an_image_of_the_installed_catalogue_is_that_of_the_checkout(engine, tmp_path: Path) -> None:
    programs = installed(built_wheel(ROOT, tmp_path / "wheel"), tmp_path / "venv")
    made = run(tmp_path, "python", "-c", MAKES.format(folder=str(tmp_path)), bin_folder=programs).strip()
    path = find_scenario("gateway/unbounded-cache")
    form = read_scenario(path).target.container
    assert form is not None
    assert made == ready_image(engine, form, scenario_dir=path.resolve().parent)
