"""`leakdrill export`: a stored drill as annotations in a Grafana, and as a trace for an OTLP endpoint."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import unquote, urlsplit

import typer

from leakdrill.cli.options import RunFolder  # noqa: TC001 - typer reads the annotations when it runs
from leakdrill.cli.output import complain, print_lines
from leakdrill.code_hosts.api import Api
from leakdrill.errors import BadInput
from leakdrill.exports.grafana import push_annotations
from leakdrill.exports.moments import moments
from leakdrill.exports.otlp import PATH, trace_of
from leakdrill.judging.analyze import judge_run
from leakdrill.judging.watch.run_files import is_watch
from leakdrill.record.history import read_history
from leakdrill.record.store import open_run, read_run_info

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from leakdrill.exports.moments import Moment
    from leakdrill.record.store import RunInfo
    from leakdrill.record.verdict import Verdict

_GRAFANA_HINTS: Final = {
    401: "GRAFANA_TOKEN is not valid",
    403: "the token's service account may not write annotations: it needs the role Editor, or annotations:create",
    404: "expected the address of Grafana itself, with its path where it has one",
}
_OTLP_HINTS: Final = {404: f"expected the endpoint without {PATH}, such as http://127.0.0.1:4318"}


def export(
    run_folder: RunFolder,
    grafana: Annotated[
        str | None, typer.Option(metavar="URL", help="Make annotations in this Grafana; GRAFANA_TOKEN is its token.")
    ] = None,
    dashboard: Annotated[
        str, typer.Option(metavar="UID", help="Only on this dashboard of Grafana; default: on all that ask for them.")
    ] = "",
    otlp: Annotated[
        str | None, typer.Option(metavar="URL", help="Send a trace to this OTLP/HTTP endpoint, such as :4318's.")
    ] = None,
) -> int:
    """Tell a stored drill to a Grafana, as annotations, or to an OTLP endpoint, as a trace."""
    if grafana is None and otlp is None:
        raise BadInput("nowhere to export to; expected --grafana URL, --otlp URL, or both")
    for option, url in (("--grafana", grafana), ("--otlp", otlp)):
        if url is not None and (urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).netloc):
            raise BadInput(f'{option}: "{url}" is no address; expected one such as http://127.0.0.1:3000')
    folder = open_run(run_folder)
    if is_watch(folder) or (info := read_run_info(folder)).kind != "drill":
        raise BadInput(f"{folder.path}: is no drill; only drills and rehearsals have phases and steps to tell")
    verdicts = judge_run(folder, unwritten=complain).verdicts
    found = moments(read_history(folder.history), info)
    if grafana is not None:
        _to_grafana(grafana, found, info, dashboard)
    if otlp is not None:
        _to_otlp(otlp, found, info, verdicts)
    return 0


def _to_grafana(url: str, found: Sequence[Moment], info: RunInfo, dashboard: str) -> None:
    token = os.environ.get("GRAFANA_TOKEN", "")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    api = Api(url, headers, [token], hints=_GRAFANA_HINTS)
    made, there = push_annotations(api, found, run_id=info.run_id, scenario=info.scenario.name, dashboard=dashboard)
    print_lines(f"grafana: {made} annotations made, {there} were there already")


def _to_otlp(url: str, found: Sequence[Moment], info: RunInfo, verdicts: Sequence[Verdict]) -> None:
    headers = otlp_headers(os.environ)
    api = Api(url, headers, map(_without_scheme, headers.values()), hints=_OTLP_HINTS)
    body = trace_of(found, verdicts, run_id=info.run_id, scenario=info.scenario.name, target=info.scenario.target.name)
    answer = api.call("POST", PATH, body)
    rejected = (answer.get("partialSuccess") or {}) if isinstance(answer, dict) else {}
    if int(rejected.get("rejectedSpans") or 0):
        complain(
            f"otlp: {rejected['rejectedSpans']} spans were rejected: {rejected.get('errorMessage') or 'no reason'}"
        )
    spans = len(body["resourceSpans"][0]["scopeSpans"][0]["spans"])
    print_lines(f"otlp: trace {body['resourceSpans'][0]['scopeSpans'][0]['spans'][0]['traceId']} with {spans} spans")


def _without_scheme(value: str) -> str:
    """What is secret in a header's value: of `Bearer abc` the second word."""
    scheme, _, rest = value.partition(" ")
    return rest.strip() or scheme


def otlp_headers(environ: Mapping[str, str]) -> dict[str, str]:
    """The headers in OTEL_EXPORTER_OTLP_HEADERS, as OpenTelemetry has them: `name=value,name=value`, values quoted.

    Raises:
        BadInput: when a pair has no name, or no value.
    """
    headers = {}
    for pair in filter(None, (part.strip() for part in environ.get("OTEL_EXPORTER_OTLP_HEADERS", "").split(","))):
        name, equals, value = pair.partition("=")
        if not (name.strip() and equals):
            raise BadInput("OTEL_EXPORTER_OTLP_HEADERS: expected name=value pairs with commas between them")
        headers[name.strip()] = unquote(value.strip())
    return headers
