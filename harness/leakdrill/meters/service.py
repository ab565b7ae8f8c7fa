"""The meter of the service's own metrics endpoint."""

from __future__ import annotations

import itertools
import zlib
from typing import TYPE_CHECKING, Final

import httpx
from prometheus_client.parser import text_string_to_metric_families

from leakdrill.in_words import in_words
from leakdrill.machine.http_client import MOST_BYTES, bounded_client
from leakdrill.meters.remembered_page import RememberedPage
from leakdrill.record.events import ServiceMetrics
from leakdrill.units import show_size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.samples import Sample

    from leakdrill.machine.http_access import Access
    from leakdrill.record.event_class import Reading

MOST_SAMPLES: Final = 200
"""More would make each line of the record longer than everything else in it; histograms' buckets are left out first."""

_MOST_LINES: Final = 20 * MOST_SAMPLES
_GZIP: Final = b"\x1f\x8b"
_GZIP_HEADER: Final = 16 + zlib.MAX_WBITS  # what zlib calls a stream with gzip's header
_MOST_CHARS: Final = 16 * 1024
_TIMEOUT_S: Final = 1.0
_LEFT_OUT: Final = ("_bucket", "_created")


class ServiceMeter:
    """Reads `url` with `access`, one entry per sample, named as Prometheus would show it: `name{label="value"}`."""

    event: type[Reading] = ServiceMetrics
    every = 10
    alone = True  # a page may take a second, and other meters do not wait for it

    def __init__(self, url: str, *, access: Access) -> None:
        self._url = url
        self._page = RememberedPage(parse_exposition)
        self._request: httpx.Request | None = None
        """Made once: that is a third of what asking costs."""
        self._client = bounded_client(timeout_s=_TIMEOUT_S, access=access)

    def read(self) -> dict[str, float] | None:
        """The samples; None when nothing listens there.

        Raises:
            OSError: when what it answers is not what was expected, such as Prometheus' text format.
        """
        try:
            if self._request is None:
                self._request = self._client.build_request("GET", self._url)
            response = self._client.send(self._request)
        except httpx.ConnectError:
            return None
        except (httpx.HTTPError, httpx.InvalidURL) as e:
            raise OSError(f"GET {self._url}: {in_words(e)}") from e
        if not response.is_success:
            raise OSError(f"GET {self._url}: it answered {response.status_code}; expected 2xx")
        try:
            return self._parse(response)
        except (ValueError, OverflowError, RecursionError) as e:
            raise OSError(f"GET {self._url}: {e}") from e

    def close(self) -> None:
        """Close the connection to the service."""
        self._client.close()

    def _parse(self, response: httpx.Response) -> dict[str, float]:
        return self._page.samples(page_text(response))


def page_text(response: httpx.Response) -> str:
    """A page in Prometheus' text format, which is UTF-8 whatever its headers claim.

    Some services compress it although nobody asked for that; a page is unpacked no further than a plain one is read.

    Raises:
        ValueError: when it is longer.
    """
    page = response.content
    if page.startswith(_GZIP):
        unpacking = zlib.decompressobj(_GZIP_HEADER)
        try:
            page = unpacking.decompress(page, MOST_BYTES)
        except zlib.error as e:
            raise ValueError(f"cannot be unpacked: {e}") from e
        if unpacking.unconsumed_tail:
            raise ValueError(f"the unpacked page is longer than {show_size(MOST_BYTES)}")
    return page.decode(errors="replace")


def parse_exposition(text: str) -> dict[str, float]:
    """The first `MOST_SAMPLES` samples of a page in Prometheus' text format, without buckets and creation times.

    Raises:
        ValueError: when it is not in that format.
    """
    # Buckets are dropped before parsing: they are most of the page, and parsing is what costs.
    lines = [line for line in text.splitlines() if "_bucket{" not in line][:_MOST_LINES]
    if any(len(line) > _MOST_CHARS for line in lines):
        raise ValueError(f"not Prometheus' text format: a line is longer than {_MOST_CHARS} characters")
    try:
        samples = itertools.islice(_samples("\n".join(lines) + "\n"), MOST_SAMPLES)
        return {_series_name(s): float(s.value) for s in samples}
    except (ValueError, LookupError, OverflowError) as e:  # the parser has no error of its own
        raise ValueError(f"not Prometheus' text format: {e}") from e


def _samples(text: str) -> Iterator[Sample]:
    for family in text_string_to_metric_families(text):
        yield from (sample for sample in family.samples if not sample.name.endswith(_LEFT_OUT))


def _series_name(sample: Sample) -> str:
    inner = ",".join(f'{name}="{value}"' for name, value in sorted(sample.labels.items()))
    return f"{sample.name}{{{inner}}}" if inner else sample.name
