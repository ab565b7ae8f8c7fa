"""`make newcomer`: the first day of somebody who has a service, rules and a load test, and installs the wheel.

Nobody helps: each command is typed once, in an environment and a folder that do not see this checkout, and must do what
the pages promise. Exits 1 where one does not. Two services are drilled at the same time: a shop in Flask with a leak,
its cure and rules of its own, from `init` to PASS; and one in Node.js, under load. docs/start/first-day.md tells of it.
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from installed_package import ROOT, built_wheel, environment, installed

SHOP: Final = Path(__file__).with_name("shop")
_LONGEST_S: Final = 400.0
_LAST_LINES: Final = 25
_PRINTING: Final = threading.Lock()


@dataclass
class Day:
    """The commands of one service, in order; after the first that fails none is typed any more."""

    name: str
    folder: Path
    programs: Path
    began: float
    failed: bool = False
    shown: dict[str, str] = field(default_factory=dict)

    def types(self, command: str, *, shows: str = "", code: int = 0) -> None:
        """Types `command`, which must exit with `code` and print `shows`."""
        if self.failed:
            return
        start = time.monotonic()
        ran = subprocess.run(
            shlex.split(command),
            cwd=self.folder,
            env=environment(self.programs),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=_LONGEST_S,
        )
        now = time.monotonic()
        self.failed = ran.returncode != code or shows not in ran.stdout
        self._print(
            command, ran, now - start, now - self.began, f"exit {code} and {shows!r}" if shows else f"exit {code}"
        )

    def edits(self, file: str, *changes: tuple[str, str]) -> None:
        """Does what a person does in an editor: each of `changes` replaces one text by another."""
        if self.failed:
            return
        path = self.folder / file
        text = path.read_text(encoding="utf-8")
        for before, after in changes:
            assert before in text, f"{path} has no {before!r}"
            text = text.replace(before, after, 1)
        path.write_text(text, encoding="utf-8")

    def _print(
        self, command: str, ran: subprocess.CompletedProcess[str], seconds: float, clock: float, wanted: str
    ) -> None:
        with _PRINTING:
            print(f"{clock:6.1f} s  {self.name:6} exit {ran.returncode}  {seconds:6.1f} s  {command}", flush=True)
            if self.failed:
                lines = (ran.stdout + ran.stderr).splitlines()[-_LAST_LINES:]
                print(f"  this goal was not reached; wanted {wanted}:", *lines, sep="\n    ", flush=True)


def flask_shop(day: Day) -> None:
    """From `init` to PASS: numbers are measured, and not known."""
    for file in ("shop.py", "load.py", "alerts.yaml"):
        shutil.copy(SHOP / file, day.folder / file)
    day.types("leakdrill --version")
    day.types("leakdrill doctor")
    day.types("leakdrill init shop --command '{python} shop.py'", shows="GET /healthz answered")
    day.edits(
        "shop/scenario.yaml",
        ("limits: {memory: 512MiB", "limits: {memory: 256MiB"),
        ("locustfile: locustfile.py", "locustfile: ../load.py"),
        ("rules: [rules.yaml]", "rules: [../alerts.yaml]\n  expect: [{alert: ShopMemoryHigh, fires_within: 30s}]"),
        ("\nexpect:\n", f"\n{(SHOP / 'leak.yaml').read_text(encoding='utf-8')}\nexpect:\n"),
    )
    day.types("leakdrill check shop/scenario.yaml")
    day.types("leakdrill calibrate shop/scenario.yaml")
    day.types("leakdrill run shop/scenario.yaml", shows="PASS: all")
    day.types("leakdrill verify runs/shop/latest")
    day.types("leakdrill report runs/shop/latest")


def node_basket(day: Day) -> None:
    """A load test of a service in another language, with what `init` writes."""
    shutil.copy(SHOP / "basket.js", day.folder / "basket.js")
    day.types("leakdrill init basket --command 'node basket.js'", shows="its metrics are at /metrics")
    day.types("leakdrill run basket/scenario.yaml", shows="PASS: all")


def main() -> int:
    """Plays the day; 0 when every command did what it must."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="leakdrill-newcomer-") as folder:
        place = Path(folder)
        programs = installed(built_wheel(ROOT, place / "wheel"), place / "venv")
        print(f"{time.monotonic() - began:6.1f} s  the wheel is installed in an empty environment", flush=True)
        services = {"flask": flask_shop, "node": node_basket}
        if shutil.which("node") is None:
            print("node is not installed: the service in Node.js is left out", flush=True)
            del services["node"]
        days = [_begun(name, place, programs, began) for name in services]
        threads = [threading.Thread(target=services[day.name], args=(day,)) for day in days]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    failed = [day.name for day in days if day.failed]
    took_s = time.monotonic() - began
    print(f"{took_s:6.1f} s  {'not reached: ' + ', '.join(failed) if failed else 'every goal is reached'}")
    return 1 if failed else 0


def _begun(name: str, place: Path, programs: Path, began: float) -> Day:
    folder = place / name
    folder.mkdir()
    return Day(name, folder, programs, began)


if __name__ == "__main__":
    sys.exit(main())
