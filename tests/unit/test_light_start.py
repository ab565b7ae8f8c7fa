"""`leakdrill --help` loads what it needs to list the commands, and nothing else."""

from __future__ import annotations

import subprocess
import sys
from typing import Final

OURS: Final = {
    "leakdrill",
    "leakdrill.cli",
    "leakdrill.cli.commands",
    "leakdrill.cli.main",
    "leakdrill.cli.output",
    "leakdrill.errors",
    "leakdrill.files",
    "leakdrill.machine",
    "leakdrill.machine.signals",
    "leakdrill.masking",
    "leakdrill.printable",
    "leakdrill.screenful",
    "leakdrill.secret_patterns",
    "leakdrill.units",
}
"""The modules of ours that it may import."""
PACKAGES: Final = {"annotated_doc", "shellingham", "typer"}
"""The packages of others, beyond the standard library."""
PROGRAM: Final = """
import sys
from leakdrill.cli.main import exit_code
code = exit_code({arguments})
others = (name for name in sys.modules if name.partition(".")[0] not in {{*sys.stdlib_module_names, "__main__"}})
print(chr(10), *sorted(others))
sys.exit(code)
"""


def loaded_by(*arguments: str) -> set[str]:
    """The modules that a command has loaded, without those of the standard library."""
    command = [sys.executable, "-S", "-c", "import site; site.main()\n" + PROGRAM.format(arguments=list(arguments))]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return {name for name in done.stdout.splitlines()[-1].split() if not name.startswith(("_", "sitecustomize"))}


def test_help_loads_no_more_than_it_needs() -> None:
    loaded = loaded_by("--help")
    ours = {name for name in loaded if name.partition(".")[0] == "leakdrill"}
    assert ours == OURS
    assert {name.partition(".")[0] for name in loaded - ours} <= PACKAGES


def test_a_heavy_command_would_be_seen() -> None:
    assert {"yaml", "rich"} <= {name.partition(".")[0] for name in loaded_by("scenarios")}


def test_patterns_of_secrets_are_compiled_only_where_text_may_hold_one() -> None:
    program = (
        "import re; made = []; old = re.compile; re.compile = lambda *a, **k: made.append(a) or old(*a, **k)\n"
        "from leakdrill.masking import masked\nfirst = len(made); masked('12 readings')\nsecond = len(made)\n"
        "masked('password: hunter2')\nprint(first, second, len(made))"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    first, second, third = map(int, done.stdout.split())
    assert first == second < third
