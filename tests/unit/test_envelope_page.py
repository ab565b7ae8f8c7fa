"""docs/reference/envelopes.md is what the engine says of the rules in scenarios/rules."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[2] / "docs" / "envelopes.py"
needs_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")


@pytest.fixture(scope="module")
def envelopes() -> Any:
    spec = importlib.util.spec_from_file_location("envelopes", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_of_the_rules_of_today(envelopes: Any) -> None:
    files = envelopes.rules_files()
    text = envelopes.PAGE.read_text(encoding="utf-8")
    assert envelopes.digest(files) in text, "a rule has changed: run `make envelopes`"
    assert all(f"## {file.name}" in text for file in files)


def test_other_rules_have_another_digest(envelopes: Any, tmp_path: Path) -> None:
    files = envelopes.rules_files()
    changed = tmp_path / "rules.yaml"
    changed.write_bytes(files[0].read_bytes() + b"\n")
    assert envelopes.digest([changed, *files[1:]]) != envelopes.digest(files)


@needs_promtool
def test_a_sample_of_the_page_is_what_the_engine_says_today(envelopes: Any) -> None:
    sample = [file for file in envelopes.rules_files() if file.stem in {"python-memory", "error-rate"}]
    text = envelopes.PAGE.read_text(encoding="utf-8")
    found = envelopes.sections(sample)
    assert len(found) == len(sample)
    for section in found.values():
        assert section in text, "run `make envelopes`"


@needs_promtool
@pytest.mark.long
def test_the_whole_page_is_what_the_engine_says_today(envelopes: Any) -> None:
    assert envelopes.PAGE.read_text(encoding="utf-8") == envelopes.page(), "run `make envelopes`"
