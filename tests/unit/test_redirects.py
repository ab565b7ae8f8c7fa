"""Redirects of the load: those that stay with the target are followed, and no others."""

from __future__ import annotations

import pytest

from leakdrill.load.in_locust.redirects import leads_elsewhere

URL = "http://127.0.0.1:8000/a/b"


@pytest.mark.parametrize(
    "location", ["/c", "c", "?q=1", "http://127.0.0.1:8000/x", "http://localhost:8000/", "//127.0.0.1:8000/x"]
)
def test_what_stays_with_the_target_is_followed(location: str) -> None:
    assert leads_elsewhere(URL, location) == ""


@pytest.mark.parametrize(
    "location",
    [
        "http://192.0.2.1/x",
        "http://127.0.0.1:8001/",
        "https://127.0.0.1/",
        "//example.invalid/x",
        "http://127.0.0.1:8000@192.0.2.1/",
        "http://[::ffff:1]:8000/",
        "http://127.0.0.1:99999999/",
        "http://[/",
        "//[",
        "http://[::g]/x",
        "http://127.0.0.2:8000/",
    ],
)
def test_what_leads_elsewhere_is_named(location: str) -> None:
    assert leads_elsewhere(URL, location)


def test_the_default_port_is_a_port() -> None:
    assert leads_elsewhere("http://gateway/a", "http://gateway:80/b") == ""
