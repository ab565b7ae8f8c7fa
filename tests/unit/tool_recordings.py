"""Recordings as other tools write them: one service, 50 requests a second, each of which leaves 4 KiB behind."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

MIB = 1024**2
BEGAN = 1_790_000_000
READINGS = 120


def level(at: int, *, leaks: bool = True) -> int:
    """Bytes after `at` seconds, with 50 requests a second of which each leaves 4 KiB behind."""
    return 80 * MIB + (at * 50 * 4096 if leaks else 0)


def range_query(metric: str, value: Callable[[int], float], **labels: str) -> str:
    values = [[BEGAN + at, str(value(at))] for at in range(READINGS)]
    result = [{"metric": {"__name__": metric, **labels}, "values": values}]
    return json.dumps({"status": "success", "data": {"resultType": "matrix", "result": result}})


def k6(seconds: int = READINGS, *, per_s: int = 50) -> str:
    rows = [f"http_reqs,{BEGAN + at},1.0,,,200" for at in range(seconds) for _ in range(per_s)]
    return "\n".join(["metric_name,timestamp,metric_value,check,error,status", *rows, f"vus,{BEGAN},3,,,"]) + "\n"


def locust() -> str:
    head = "Timestamp,User Count,Type,Name,Requests/s,Total Request Count,Total Failure Count"
    rows = [
        f"{BEGAN + at},5,{kind},{name},50,{at * 50 // share},0"
        for at in range(READINGS)
        for kind, name, share in (("GET", "/a", 2), ("", "Aggregated", 1))
    ]
    return "\n".join([head, *rows])


def jmeter() -> str:
    rows = [f"{(BEGAN + at) * 1000 + n * 20},5,home,200" for at in range(READINGS) for n in range(50)]
    return "\n".join(["timeStamp,elapsed,label,responseCode", *rows])


def psrecord() -> str:
    head = "# Elapsed time   CPU (%)     Real (MB)   Virtual (MB)\n"
    return head + "".join(f"  {at:8.3f}   {12.0:8.3f}  {level(at) / MIB:12.3f}   900.000\n" for at in range(READINGS))


def docker_stats(name: str = "shop-web-1", **more: str) -> str:
    one = {"BlockIO": "0B / 0B", "CPUPerc": "3.1%", "Name": name, "PIDs": "4", **more}
    return "".join(json.dumps({**one, "MemUsage": f"{level(at) / MIB:.4g}MiB / 2GiB"}) + "\n" for at in range(READINGS))


def pidstat(*, clock: str = "24") -> str:
    head = "Linux 6.1.0 (host) \t11/28/2026 \t_x86_64_\t(2 CPU)\n\n"
    rows = []
    for at in range(READINGS):
        second = 86_390 + at if clock != "epoch" else BEGAN + at
        hours, rest = divmod(second % 86_400, 3600)
        shown = f"{hours:02}:{rest // 60:02}:{rest % 60:02}" if clock != "epoch" else str(second)
        if clock == "12":
            shown = f"{(hours % 12) or 12:02}:{rest // 60:02}:{rest % 60:02} {'AM' if hours < 12 else 'PM'}"
        if at % 40 == 0:
            rows.append(f"\n{shown}   UID       PID  minflt/s  majflt/s     VSZ     RSS   %MEM  Command")
        rows.append(f"{shown}  1000      1234      0.00      0.00  900000  {level(at) // 1024}   0.40  python app.py")
    return head + "\n".join([*rows, "Average:  1000  1234  0.00 0.00 900000 90000 0.40  python app.py"]) + "\n"


def lading() -> str:
    def line(at: int, metric: str, kind: str, value: float, **labels: str) -> str:
        one = {"run_id": "0f", "time": (BEGAN + at) * 1000, "fetch_index": at, "metric_name": metric}
        return json.dumps({**one, "metric_kind": kind, "value": value, **labels}) + "\n"

    return "".join(
        line(at, "rss_bytes", "gauge", level(at), pid="7")
        + line(at, "bytes_written", "counter", at * 9)
        + line(at, "requests_sent", "counter", at * 50, component_name="http")
        for at in range(READINGS)
    )


def table(column: str, value: Callable[[int], object], *, time: str = "timestamp", requests: bool = True) -> str:
    head = f"{time},{column}" + (",requests" if requests else "")
    rows = [f"{BEGAN + at},{value(at)}" + (f",{at * 50}" if requests else "") for at in range(READINGS)]
    return "\n".join([head, *rows])


EVENLY: dict[str, Any] = {"load_per_s": 50.0}
WHOLE = {
    "psrecord": (psrecord(), EVENLY, "rss"),
    "docker stats": (docker_stats(), EVENLY, "usage"),
    "docker stats on a terminal": (docker_stats().replace('{"Blo', '\x1b[2J\x1b[H{"Blo'), EVENLY, "usage"),
    "pidstat": (pidstat(), EVENLY, "rss"),
    "pidstat, twelve hours": (pidstat(clock="12"), EVENLY, "rss"),
    "pidstat, epoch": (pidstat(clock="epoch"), EVENLY, "rss"),
    "lading": (lading(), {}, "rss"),
    "a range query": (range_query("container_memory_working_set_bytes", level), EVENLY, "working_set"),
    "an expression's": (range_query("", level), EVENLY, "memory"),
    "a table": (table("container_memory_working_set_bytes", level), {}, "working_set"),
    "a table in KiB": (table("rss_kb", lambda at: level(at) // 1024), {}, "rss"),
    "a table in (MB)": (table("RSS (MB)", lambda at: level(at) / MIB), {}, "rss"),
    "a table with units in cells": (table("Memory usage", lambda at: f"{level(at) / MIB:.2f} MiB"), {}, "usage"),
    "our own without bytes": (table("rss_mib", lambda at: level(at) / MIB, time="t"), {}, "rss"),
}
