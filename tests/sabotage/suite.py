"""Runs every sabotage, and prints how many of each kind were caught: `make sabotage`."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import alerts  # noqa: F401 - each adds its own
import gated  # noqa: F401
import load  # noqa: F401
import machine  # noqa: F401
import meters  # noqa: F401
import order  # noqa: F401
import replaced  # noqa: F401
import scaled  # noqa: F401
import sealed  # noqa: F401
import steps  # noqa: F401
import watched  # noqa: F401
from sabotage import SABOTAGES


def main() -> int:
    """0 when all were caught, else 1."""
    total, caught, escaped = Counter[str](), Counter[str](), list[str]()
    for one in SABOTAGES:
        total[one.kind] += 1
        why = one.escaped(one.verdicts())
        caught[one.kind] += not why
        escaped += [f"escaped: {one.kind}: {one.name}: {why}"] if why else []
    rows = [(caught[kind], number, kind) for kind, number in total.items()]
    rows.append((caught.total(), total.total(), "in all"))
    sys.stdout.write("".join(f"{hits:4} / {number:<4} {kind}\n" for hits, number, kind in rows))
    sys.stderr.write("".join(f"{line}\n" for line in escaped))
    return 1 if escaped else 0


if __name__ == "__main__":
    sys.exit(main())
