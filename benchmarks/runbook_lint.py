"""Measures how long lint takes for a long runbook: `python benchmarks/runbook_lint.py [PAGES]`.

A printed page is taken for 50 lines. What a command takes in all counts, from its start: two seconds for a hundred
pages are wanted, and exit 1 says that it took longer. The smallest of three rounds counts.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from pathlib import Path

MOST_S = 2.0
PAGE_LINES = 50
SECTION = """## Step {n}: the orders service

Memory of the service above 80% for a long time; see `kubectl top pod -n shop`
and [the first step](#step-1-the-orders-service).

```bash
# What holds the memory?
kubectl get pods -n <namespace> -l app=orders
docker exec orders ps aux --sort=-rss | head -20
curl -sg 'http://localhost:9090/api/v1/query?query=rate(errors_total{{job="orders"}}[5m])' | jq .
```

1. Restart it:

   ```bash
   docker restart orders
   docker stats --no-stream orders
   ```

| resource | warning | critical |
|----------|---------|----------|
| memory   | > 80%   | > 90%    |

```yaml
- alert: OrdersMemoryHigh{n}
  expr: container_memory_working_set_bytes / (container_spec_memory_limit_bytes > 0) > 0.8
  for: 5m
```

"""


def runbook(pages: int) -> str:
    """A runbook of that many pages."""
    count = -(-pages * PAGE_LINES // SECTION.count("\n"))
    return "# The orders service\n\n" + "".join(SECTION.format(n=n) for n in range(1, count + 1))


def seconds(path: Path) -> float:
    """The processor time of one `leakdrill runbook lint`."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, "-m", "leakdrill", "runbook", "lint", str(path)], stdout=subprocess.DEVNULL, check=False
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main(pages: int) -> int:
    """Print the time; returns the exit code."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "runbook.md"
        path.write_text(runbook(pages), encoding="utf-8")
        took = min(seconds(path) for _ in range(3))
        lines = path.read_text(encoding="utf-8").count("\n")
    print(f"{pages} pages ({lines:,} lines): {took:.2f} s of processor time; at most {MOST_S} s wanted")
    return int(took > MOST_S)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 100))
