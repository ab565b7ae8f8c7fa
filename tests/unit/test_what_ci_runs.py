"""Every test is run by one of the Makefile's targets, and CI calls all of them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
MAKEFILE: Final = (ROOT / "Makefile").read_text(encoding="utf-8")
CI: Final = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
HERE: Final = re.search(r"^HERE := ([^#\n]*)", MAKEFILE, re.MULTILINE)[1].split()
NOT_IN_CI: Final = {"test-gpu", "test-cgroup-v2", "test-thorough"}
"""CI has no NVIDIA card; an emulated machine is a job of its own; a thorough test stands beside a long one."""


def recipes() -> dict[str, str]:
    """Returns the lines of every target whose name begins with `test`."""
    matches = re.finditer(r"^(test[a-z0-9-]*):.*\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE)
    return {match[1]: match[2].replace("$(HERE)", " ".join(HERE)) for match in matches}


def folders_of(recipe: str) -> set[str]:
    return set(re.findall(r"tests/\w+", recipe))


def test_every_folder_with_tests_is_run_by_a_target() -> None:
    with_tests = {f"tests/{file.relative_to(ROOT / 'tests').parts[0]}" for file in ROOT.glob("tests/*/**/test_*.py")}
    assert with_tests == set().union(*(folders_of(recipe) for recipe in recipes().values()))


def test_what_make_test_leaves_out_is_what_make_test_long_runs() -> None:
    quick, long = recipes()["test"], recipes()["test-long"]
    assert folders_of(quick) == set(HERE)
    assert folders_of(long) == {*HERE, "tests/catalogue"}
    assert quick.count('-m "not long and not thorough"') == quick.count("-m pytest") == 1
    assert long.count('-m "long and not thorough"') == 1
    assert long.count("-m long ") + 1 == long.count("-m pytest") == 2
    assert recipes()["test-thorough"].count("-m thorough") == 1


def test_the_subset_of_the_catalogue_is_marked_as_long() -> None:
    files = list((ROOT / "tests" / "catalogue").glob("test_*.py"))
    assert files
    assert all("pytestmark = [pytest.mark.long" in file.read_text(encoding="utf-8") for file in files)


def test_ci_calls_every_target_with_tests() -> None:
    lines = " ".join(line for line in CI.splitlines() if line.startswith("make"))
    together = recipes()["test-without-cluster"] if "test-without-cluster" in lines else ""
    called = set(re.findall(r"\btest[a-z0-9-]*", lines.replace("test-without-cluster", together)))
    tested = {
        name
        for name in recipes()
        if name in {"test", "test-long"} or (folders_of(recipes()[name]) - set(HERE) and "-m pytest" in recipes()[name])
    }
    assert called == tested - NOT_IN_CI
