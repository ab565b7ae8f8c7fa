"""The API server that a run talks to: which context, whether it answers, and its objects as plain data.

The official client brings what is hard: kubeconfig, certificates, tokens, exec plugins, web sockets. Objects are plain
dictionaries, because a user's manifests may be of any kind and a server older or newer than the client's models.
"""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from leakdrill.errors import BadInput, EnvironmentProblem
from leakdrill.files import is_file
from leakdrill.targets.kubernetes.credentials import Credentials
from leakdrill.yaml_file import read_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

RUN_LABEL: Final = "leakdrill.run"
"""Label that everything a run makes in a cluster carries, with the run's id."""

IN_CLUSTER: Final = "in-cluster"
"""The context of a drill that runs in the cluster itself, as its service account."""

NOT_FOUND: Final = 404
CONFLICT: Final = 409
_TIMEOUT_S: Final = 10.0
_ALIVE_TIMEOUT_S: Final = 2.0
_PATCHES: Final = {
    "merge": "application/merge-patch+json",
    "strategic": "application/strategic-merge-patch+json",
}


class ClusterGone(EnvironmentProblem):
    """The API server does not answer."""


class ClusterRefused(EnvironmentProblem):
    """The API server said no; `status` is the HTTP status."""

    def __init__(self, message: str, *, status: int, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.status = status


class Cluster:
    """One context of a kubeconfig.

    Args:
        api: the official client.
        context: its name.
        kubeconfig: the files it stands in; None inside a cluster.
        credentials: what is closed with it; None inside a cluster.
    """

    def __init__(
        self, api: Any, *, context: str, kubeconfig: str | None, credentials: Credentials | None = None
    ) -> None:
        self._credentials = credentials
        self.context = context
        self.kubeconfig = kubeconfig
        self._api = api
        self._http = api.rest_client.pool_manager

    @property
    def address(self) -> str:
        """Where the API server answers."""
        return str(self._api.configuration.host)

    @property
    def place(self) -> dict[str, str | None]:
        """What the journal says of it, so that it is found again."""
        return {"context": self.context, "kubeconfig": self.kubeconfig}

    @property
    def configuration(self) -> Any:
        """The official client's own, for web sockets."""
        return self._api.configuration

    def get(self, path: str, **query: str) -> dict[str, Any]:
        """The object or list at `path`.

        Raises:
            ClusterGone: when the API server does not answer.
            ClusterRefused: when it says no.
        """
        response: dict[str, Any] = json.loads(self.text(path, **query))
        return response

    def text(self, path: str, **query: str) -> str:
        """What is at `path`, as text. Raises as `get` does."""
        return self._ask("GET", path + _query(query)).decode()

    def create(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Make `body` at the collection `path`. Raises as `get` does."""
        made: dict[str, Any] = json.loads(self._ask("POST", path, body))
        return made

    def patch(
        self, path: str, body: dict[str, Any], *, kind: str = "strategic", dry_run: bool = False
    ) -> dict[str, Any]:
        """Change the object at `path`, or only say what it would be; `kind` is `merge` or `strategic`.

        Raises as `get` does.
        """
        query = _query({"dryRun": "All"}) if dry_run else ""
        changed: dict[str, Any] = json.loads(self._ask("PATCH", path + query, body, content=_PATCHES[kind]))
        return changed

    def replace(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Put `body` in the place of the object at `path`. Raises as `get` does."""
        put: dict[str, Any] = json.loads(self._ask("PUT", path, body))
        return put

    def delete(self, path: str, *, grace_s: int | None = None, uid: str | None = None) -> None:
        """Delete what is at `path`, where that is still the object `uid`; does nothing when it is gone.

        Raises as `get` does.
        """
        body: dict[str, Any] = {"propagationPolicy": "Background"}
        body |= {} if grace_s is None else {"gracePeriodSeconds": grace_s}
        body |= {} if uid is None else {"preconditions": {"uid": uid}}
        try:
            self._ask("DELETE", path, body)
        except ClusterRefused as e:
            if e.status != NOT_FOUND and not (uid and e.status == CONFLICT):
                raise

    def find(self, path: str) -> dict[str, Any] | None:
        """The object at `path`; None when there is none. Raises as `get` does for anything else."""
        try:
            return self.get(path)
        except ClusterRefused as e:
            if e.status == NOT_FOUND:
                return None
            raise

    def stream(self, path: str, **query: str) -> Iterator[bytes]:
        """The lines at `path` as they come, until the server ends them. Raises as `get` does."""
        with self._errors("GET", path):
            response = self._http.request(
                "GET", self.address + path + _query(query), headers=self.headers(), preload_content=False,
                retries=False, timeout=None,
            )  # fmt: skip
            try:
                if response.status >= 400:  # noqa: PLR2004 - HTTP's own border
                    raise _refusal("GET", path, response.status, response.read())
                yield from response.stream(65536)
            finally:
                response.close()

    def answers(self) -> bool:
        """Whether the API server answers at all, even if only to say no."""
        import urllib3

        try:
            self._http.request("GET", self.address + "/version", retries=False, timeout=_ALIVE_TIMEOUT_S)
        except (urllib3.exceptions.HTTPError, OSError):
            return False
        return True

    def headers(self) -> dict[str, str]:
        """Who we are, for one request."""
        headers: dict[str, str] = {}
        self._api.update_params_for_auth(headers, [], ["BearerToken"], "", "", None)
        return headers

    def close(self) -> None:
        """Close its connections, and forget who we are."""
        self._api.close()
        if self._credentials is not None:
            self._credentials.close()

    def _ask(self, method: str, path: str, body: Any = None, *, content: str = "application/json") -> bytes:
        with self._errors(method, path):
            response = self._http.request(
                method,
                self.address + path,
                body=None if body is None else json.dumps(body),
                headers={**self.headers(), "Content-Type": content, "Accept": "application/json, */*"},
                retries=False,
                timeout=_TIMEOUT_S,
            )
        if response.status >= 400:  # noqa: PLR2004 - HTTP's own border
            raise _refusal(method, path, response.status, response.data)
        data: bytes = response.data
        return data

    @contextmanager
    def _errors(self, method: str, path: str) -> Iterator[None]:
        import urllib3

        try:
            yield
        except (urllib3.exceptions.HTTPError, OSError) as e:
            raise ClusterGone(
                f"the API server {self.address} (context {self.context}) does not answer {method} {path}: {e}",
                hint="kubectl --context " + self.context + " get nodes",
            ) from e


def _query(query: dict[str, str]) -> str:
    return "?" + urlencode(query) if query else ""


def _refusal(method: str, path: str, status: int, body: bytes) -> ClusterRefused:
    try:
        message = str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        message = " ".join(body.decode(errors="replace").split())[:300]
    return ClusterRefused(f"the API server answered {status} to {method} {path}: {message}", status=status)


def connect(context: str | None = None, *, kubeconfig: str | None = None) -> Cluster:
    """The cluster of `context`, once it answers.

    A kubeconfig's current context is whatever somebody used last, so it is never taken: where no context is named,
    there must be only one.

    Args:
        context: its name; None where only one can be meant.
        kubeconfig: the files; those of `KUBECONFIG`, or `~/.kube/config`, when left out.

    Raises:
        BadInput: when there is no such context, or none is named and there are several.
        EnvironmentProblem: when the package is missing, there is no kubeconfig, or no API server answers.
    """
    config, client = _package()
    files = kubeconfig or os.environ.get("KUBECONFIG") or str(Path("~/.kube/config").expanduser())
    if not any(is_file(Path(file)) for file in files.split(os.pathsep)):
        return _from_inside(config, client, context, files)
    try:
        name = choose_context(context, contexts_of(files), files)
        credentials = Credentials(config, client, files=files, context=name)
    except config.ConfigException as e:
        raise EnvironmentProblem(f"{files}: is no kubeconfig that can be used: {e}") from e
    api = client.ApiClient(configuration=credentials.settings)
    return _answering(Cluster(api, context=name, kubeconfig=files, credentials=credentials))


def contexts_of(files: str) -> list[str]:
    """The names of the contexts in `files`, none where there are none; no program of a context is run.

    The client itself lists them only where one of them is the current one.

    Raises:
        EnvironmentProblem: when one of the files is no kubeconfig.
    """
    names: list[str] = []
    for file in filter(is_file, map(Path, files.split(os.pathsep))):
        try:
            content = read_yaml(file, expected="a kubeconfig").data or {}
            names += [str(one["name"]) for one in content.get("contexts") or []]
        except (BadInput, AttributeError, KeyError, TypeError) as e:
            raise EnvironmentProblem(f"{file}: is no kubeconfig: {' '.join(str(e).split())}") from e
    return names


def choose_context(named: str | None, known: Sequence[str], files: str) -> str:
    """`named` where it is known, else the only one there is.

    Raises:
        BadInput: when neither can be said.
    """
    listed = ", ".join(sorted(known)) or "none"
    if named is not None:
        if named not in known:
            raise BadInput(f'{files}: there is no context "{named}"; found {listed}')
        return named
    if len(known) != 1:
        raise BadInput(
            f"{files}: no context is named, and a drill never takes the current one; found {listed}",
            hint="leakdrill run … --on kubernetes --allow CONTEXT, or target.kubernetes.context",
        )
    return known[0]


def _from_inside(config: Any, client: Any, context: str | None, files: str) -> Cluster:
    """As the service account of the pod that we run in."""
    if "KUBERNETES_SERVICE_HOST" not in os.environ or context not in (None, IN_CLUSTER):
        raise EnvironmentProblem(
            f"{files}: there is no such file; expected a kubeconfig",
            hint="point KUBECONFIG at one; without a cluster, leave --on out",
        )
    settings = client.Configuration()
    try:
        config.load_incluster_config(client_configuration=settings)
    except config.ConfigException as e:
        raise EnvironmentProblem(f"this pod has no service account to ask the API server with: {e}") from e
    return _answering(Cluster(client.ApiClient(settings), context=IN_CLUSTER, kubeconfig=None))


def _answering(cluster: Cluster) -> Cluster:
    try:
        cluster.get("/version")
    except EnvironmentProblem:
        cluster.close()
        raise
    return cluster


def _package() -> tuple[Any, Any]:
    try:
        from kubernetes import client, config
    except ModuleNotFoundError as e:
        raise EnvironmentProblem(
            "the package `kubernetes` is not installed", hint="pip install 'leakdrill[kubernetes]'"
        ) from e
    return config, client
