"""A shop that keeps every thumbnail while its cache has no bound: the service of somebody who is new to Leakdrill."""

import ctypes
import os

from flask import Flask, Response, request
from prometheus_client import CONTENT_TYPE_LATEST, Counter, generate_latest

app = Flask(__name__)
# Every thumbnail straight from the kernel: what is dropped is given back, and not kept by the C library.
ctypes.CDLL(None).mallopt(-3, 128 * 1024)
pages = Counter("shop_pages_total", "Pages served.")
thumbnails: list[bytearray] = []
unbounded = False


@app.get("/")
def page() -> str:
    pages.inc()
    if unbounded:
        thumbnails.append(bytearray(160 * 1024))
    return f"{len(thumbnails)} thumbnails"


@app.get("/healthz")
def healthz() -> str:
    return "ok"


@app.get("/metrics")
def metrics() -> Response:
    return Response(generate_latest(), content_type=CONTENT_TYPE_LATEST)


@app.post("/admin/cache")
def cache() -> dict[str, bool]:
    global unbounded  # noqa: PLW0603 - a small shop
    unbounded = request.get_json()["unbounded"]
    return {"unbounded": unbounded}


@app.post("/admin/flush")
def flush() -> dict[str, int]:
    global unbounded
    unbounded, dropped = False, len(thumbnails)
    thumbnails.clear()
    return {"dropped": dropped}


app.run(host="127.0.0.1", port=int(os.environ["PORT"]), threaded=True)
