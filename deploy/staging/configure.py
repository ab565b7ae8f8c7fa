"""`python -m staging.configure FOLDER`: write the configuration of the stack's Prometheus and Alertmanager.

The rules and the routing are the catalogue's, with every duration divided by `--time-scale`; the receivers, which have
no address in the catalogue, lead to the exporter, which logs each notification.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Final

from leakdrill.alerting.durations import divide_ms, parse_ms, show_ms
from leakdrill.alerting.routing import read_routing
from leakdrill.alerting.rules import read_rules
from leakdrill.yaml_file import dump_yaml, read_yaml

HERE: Final = Path(__file__).parent
RULES: Final = HERE.parents[1] / "scenarios" / "rules"
PAGER: Final = "http://exporter:9100/notify"
_LEAST_INTERVAL_MS: Final = 500


def configure(folder: Path, *, time_scale: float, rules: Path = RULES) -> list[str]:
    """Write `prometheus.yml`, `rules/` and `alertmanager.yml` into `folder`; returns what differs from production.

    Raises:
        BadInput: when the rules or the routing in `rules` cannot be used.
    """
    files = sorted(path for path in rules.glob("*.yaml") if path.stem != "routing" and not path.stem.endswith("_test"))
    written = read_rules(files).write(folder / "rules", time_scale)
    routing = read_routing(rules / "routing.yaml", scale=time_scale, webhook_url=PAGER)
    routing.write(folder / "alertmanager.yml")
    config: dict[str, Any] = read_yaml(HERE / "prometheus.yml", expected="a Prometheus configuration").data
    for name in ("scrape_interval", "evaluation_interval"):
        shorter = divide_ms(parse_ms(config["global"][name]), time_scale, floor_ms=_LEAST_INTERVAL_MS)
        config["global"][name] = show_ms(shorter)
    (folder / "prometheus.yml").write_text(dump_yaml(config), encoding="utf-8")
    return [*written.remarks, *routing.remarks]


def main() -> None:
    """Read the arguments and write."""
    parser = argparse.ArgumentParser(prog="python -m staging.configure")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--time-scale", type=float, default=1.0, help="60: a production minute takes a second")
    args = parser.parse_args()
    for remark in configure(args.folder, time_scale=args.time_scale):
        print(remark)  # noqa: T201 - an operator reads it in the log


if __name__ == "__main__":
    main()
