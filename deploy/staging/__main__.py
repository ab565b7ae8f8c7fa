"""`python -m staging up|down|build FILE`: the staging stack, up and healthy or gone; or only its images.

`make stack` and `make images` call it.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from leakdrill.errors import LeakdrillError
from staging.staging import PROJECT, bring_up, build_images, take_down


def main() -> int:
    """Read the arguments and carry them out; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m staging")
    parser.add_argument("what", choices=["up", "down", "build"])
    parser.add_argument("file", type=Path)
    parser.add_argument("services", nargs="*", help="only these; with `up` also what they depend on")
    parser.add_argument("--project", default=PROJECT)
    args = parser.parse_args()
    try:
        if args.what == "up":
            for line in bring_up(args.file, project=args.project, services=args.services):
                print(line)  # noqa: T201 - the addresses of the services
        elif args.what == "build":
            build_images(args.file, args.services)
        else:
            take_down(args.file, project=args.project)
    except LeakdrillError as e:
        sys.stderr.write(f"stack: {e}\n")
        return e.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
