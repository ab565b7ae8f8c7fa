"""`leakdrill export`: a stored drill as annotations in a Grafana, and as a trace for an OTLP endpoint."""

from __future__ import annotations

import os
import re
from base64 import b64decode
from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import unquote

import typer

from leakdrill.cli.options import RunFolder  # noqa: TC001 - typer reads the annotations when it runs
from leakdrill.cli.output import complain, print_lines
from leakdrill.code_hosts.address import address_of
from leakdrill.code_hosts.api import Api, beginning
from leakdrill.errors import BadInput, EnvironmentProblem
from leakdrill.exports.grafana import push_annotations
from leakdrill.exports.moments import moments
from leakdrill.exports.otlp import PATH, trace_of
from leakdrill.exports.otlp_answer import EXPORTED, PartialSuccess
from leakdrill.judging.analyze import judge_run
from leakdrill.judging.watch.run_files import is_watch
from leakdrill.record.history import read_history
from leakdrill.record.store import open_run, read_run_info
from leakdrill.units import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from leakdrill.exports.moments import Moment
    from leakdrill.record.store import RunInfo
    from leakdrill.record.verdict import Verdict

_GRAFANA_HINTS: Final = {
    401: "GRAFANA_TOKEN is not valid",
    403: "the token's service account may not write annotations: it needs the role Editor, or annotations:create",
    **dict.fromkeys((200, 404), "expected the address of Grafana itself, with its path where it has one"),
}
_OTLP_HINTS: Final = dict.fromkeys((200, 404), f"expected the endpoint without {PATH}, such as http://127.0.0.1:4318")
_UID: Final = re.compile(r"[\w.-]{0,200}", re.ASCII)
_REASON_CHARS: Final = 300
_HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~\w-]+", re.ASCII)
_OURS: Final = frozenset({"connection", "content-length", "content-type", "host", "transfer-encoding"})
"""Headers of the request itself."""


def export(
    run_folder: RunFolder,
    grafana: Annotated[
        str | None, typer.Option(metavar="URL", help="Make annotations in this Grafana; GRAFANA_TOKEN is its token.")
    ] = None,
    dashboard: Annotated[
        str, typer.Option(metavar="UID", help="Only on this dashboard of Grafana; default: on all that ask for them.")
    ] = "",
    otlp: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Send a trace to this OTLP/HTTP endpoint, such as http://127.0.0.1:4318."),
    ] = None,
) -> int:
    """Tell a stored drill to a Grafana, as annotations, or to an OTLP endpoint, as a trace."""
    if grafana is None and otlp is None:
        raise BadInput("nowhere to export to; expected --grafana URL, --otlp URL, or both")
    if not _UID.fullmatch(dashboard):
        raise BadInput(f"--dashboard: {quoted(dashboard)} is no uid; expected the one in the dashboard's address")
    if grafana is not None:
        grafana = address_of("--grafana", grafana, example="http://127.0.0.1:3000")
    if otlp is not None:
        otlp = address_of("--otlp", otlp, example="http://127.0.0.1:4318")
    otlp_headers(os.environ)
    folder = open_run(run_folder)
    if is_watch(folder) or (info := read_run_info(folder)).kind != "drill":
        raise BadInput(f"{folder.path}: is no drill; only drills and rehearsals have phases and steps to tell")
    judged = judge_run(folder, unwritten=complain)
    found = moments(judged.history or read_history(folder.history), info, judged.verdicts)
    if grafana is not None:
        _to_grafana(grafana, found, info, dashboard)
    if otlp is not None:
        _to_otlp(otlp, found, info, judged.verdicts)
    return 0


def _to_grafana(url: str, found: Sequence[Moment], info: RunInfo, dashboard: str) -> None:
    token = os.environ.get("GRAFANA_TOKEN", "")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    api = Api(url, headers, [token], hints=_GRAFANA_HINTS)
    made, there = push_annotations(api, found, run_id=info.run_id, scenario=info.scenario.name, dashboard=dashboard)
    print_lines(f"grafana: {made} annotations made, {there} were there already")


def _to_otlp(url: str, found: Sequence[Moment], info: RunInfo, verdicts: Sequence[Verdict]) -> None:
    headers = otlp_headers(os.environ)
    secrets = [secret for value in headers.values() for secret in _secrets_in(value)]
    api = Api(url, headers, secrets, hints=_OTLP_HINTS)
    body = trace_of(found, verdicts, run_id=info.run_id, scenario=info.scenario.name, target=info.scenario.target.name)
    rejected = api.call("POST", PATH, EXPORTED, body).partial_success or PartialSuccess()
    spans = body["resourceSpans"][0]["scopeSpans"][0]["spans"]
    reason = beginning(rejected.error_message or "", _REASON_CHARS)
    if rejected.rejected_spans:
        raise EnvironmentProblem(
            f"otlp: {rejected.rejected_spans} of {len(spans)} spans were rejected: {reason or 'no reason is given'}"
        )
    if reason:
        complain(f"otlp: every span was taken, with a warning: {reason}")
    print_lines(f"otlp: trace {spans[0]['traceId']} with {len(spans)} spans")


def _secrets_in(value: str) -> list[str]:
    """What is secret in a header's value: of `Bearer abc` the second word; of `Basic abc` what it stands for, too."""
    scheme, _, rest = value.partition(" ")
    secret = rest.strip() or scheme
    try:
        plain = b64decode(secret, validate=True).decode("ascii") if scheme.lower() == "basic" else ""
    except ValueError:
        plain = ""
    return [secret, plain, plain.partition(":")[2]]


def otlp_headers(environ: Mapping[str, str]) -> dict[str, str]:
    """The headers in OTEL_EXPORTER_OTLP_HEADERS, as OpenTelemetry has them: `name=value,name=value`, values quoted.

    Raises:
        BadInput: when a pair has no name, one that no header has or that belongs to the request itself, or no value.
    """
    headers = {}
    for pair in filter(None, (part.strip() for part in environ.get("OTEL_EXPORTER_OTLP_HEADERS", "").split(","))):
        name, equals, value = pair.partition("=")
        if not (_HEADER_NAME.fullmatch(name.strip()) and equals) or name.strip().lower() in _OURS:
            raise BadInput("OTEL_EXPORTER_OTLP_HEADERS: expected name=value pairs with commas between them")
        headers[name.strip()] = unquote(value).strip()
    return headers
