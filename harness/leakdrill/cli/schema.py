"""`leakdrill schema`: the JSON Schema of each file format of ours."""

from __future__ import annotations

import json
from importlib import import_module
from typing import Annotated, Final

import typer

from leakdrill.cli.output import print_json
from leakdrill.errors import BadInput

_SCHEMAS: Final = {
    "scenario": ("leakdrill.scenario.scenario", "scenario_schema"),
    "history": ("leakdrill.record.history_schema", "history_schema"),
    "verdicts": ("leakdrill.record.verdict_file", "verdict_file_schema"),
}
"""The module that knows a format, and its function for the schema; only the one that is asked for is loaded."""


def schema(
    of: Annotated[str, typer.Argument(help="scenario, history or verdicts")] = "scenario",
) -> int:
    """Print the JSON Schema of a scenario file, of a line of history.jsonl, or of verdicts.json."""
    if of not in _SCHEMAS:
        raise BadInput(f'"{of}" has no schema; expected one of {", ".join(_SCHEMAS)}')
    module, function = _SCHEMAS[of]
    print_json(json.dumps(getattr(import_module(module), function)(), indent=2) + "\n")
    return 0
