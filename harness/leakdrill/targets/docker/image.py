"""The image that a container is made of: already there, or built from a Dockerfile."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING

from leakdrill.errors import BadInput, EnvironmentProblem

if TYPE_CHECKING:
    from pathlib import Path

    from docker import DockerClient

    from leakdrill.scenario.target import ContainerForm

_LAST_LINES = 5


def ready_image(client: DockerClient, form: ContainerForm, *, scenario_dir: Path) -> str:
    """What to make a container of for `form`: its image's name, or the id of what was just built.

    The engine's cache makes a build quick. Its id and not its name, which another run, from another folder, may give to
    an image of its own meanwhile. An image is kept after the run: it is an input, as a scenario is.

    Raises:
        BadInput: when there is no such Dockerfile, or the image is not there and no build is named.
        EnvironmentProblem: when the build fails, with its last lines.
    """
    import docker.errors

    if form.build is not None:
        return _build(client, form, scenario_dir)
    try:
        client.images.get(form.image)
    except docker.errors.ImageNotFound:
        _pull(client, form.image)
    return form.image


def _pull(client: DockerClient, image: str) -> None:
    import docker.errors

    try:
        client.images.pull(image)
    except docker.errors.APIError as e:
        raise BadInput(
            f"target.container.image: the engine has no image {image} and cannot pull it: {e.explanation}",
            hint="build it, or name a Dockerfile's folder as target.container.build",
        ) from e


def _build(client: DockerClient, form: ContainerForm, scenario_dir: Path) -> str:
    import docker.errors
    import docker.utils

    assert form.build is not None  # noqa: S101 - the caller asked
    context = (scenario_dir / form.build).resolve()
    if not (context / "Dockerfile").is_file():
        raise BadInput(f"target.container.build: there is no Dockerfile in {context}; expected a folder with one")
    try:
        with tempfile.TemporaryFile() as archive:  # it has no name: a drill killed during the build leaves nothing
            docker.utils.tar(context, exclude=_ignored(context), fileobj=archive)
            image, _ = client.images.build(
                fileobj=archive, custom_context=True, tag=form.image, rm=True, network_mode="host"
            )
    except docker.errors.BuildError as e:
        lines = [text for part in e.build_log if (text := str(part.get("stream", "")).strip())][-_LAST_LINES:]
        lines_shown = "\n  ".join(lines)
        raise EnvironmentProblem(f"{context / 'Dockerfile'} could not be built: {e.msg}\n  {lines_shown}") from e
    except docker.errors.APIError as e:
        raise EnvironmentProblem(f"{context / 'Dockerfile'} could not be built: {e.explanation}") from e
    return str(image.id)


def _ignored(context: Path) -> list[str]:
    """The patterns of the folder's .dockerignore."""
    file = context / ".dockerignore"
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]
