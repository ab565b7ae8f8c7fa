"""What Compose refuses is told with the file and the line, also where its own message names neither."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from leakdrill.targets.compose.refusal import place, refused

if TYPE_CHECKING:
    from pathlib import Path

FILE: Final = """\
name: shop
services:
  web:
    image: nginx
    mem_limit: lots
    networks: [front]
    depends_on: [db]
    deploy:
      replicas: many
  job:
    image: a
    profiles: [x]
"""

SAID: Final = {
    "a path": ("error while interpolating services.web.deploy.replicas: failed to cast", 9),
    "a path with brackets": ("decoding failed:\n\n'services[web].mem_limit' invalid size: 'lots'", 5),
    "a key that it does not know": ("validating a.yaml: services.web additional properties 'networks' not allowed", 6),
    "one at the top": ("validating a.yaml:  additional properties 'name' not allowed", 1),
    "a part": ("services must be a mapping", 2),
    "a service that is not there": ('service "web" depends on undefined service "db": invalid compose project', 7),
    "a network that is not there": ('service "web" refers to undefined network front: invalid compose project', 6),
    "a service alone": ('service "job" has neither an image nor a build context specified', 10),
    "a line": ("failed to parse a.yaml: line 11: mapping key already defined", 11),
    "a key that is not in the file": ("services.job.command.x is wrong", 10),
}


def written(folder: Path, text: str) -> Path:
    path = folder / "compose.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(("message", "line"), SAID.values(), ids=SAID)
def test_the_line_is_found_in_what_compose_says(tmp_path: Path, message: str, line: int) -> None:
    path = written(tmp_path, FILE)
    assert place(path, message).startswith(f"{path}:{line}")


def test_what_names_no_place_has_the_file_alone(tmp_path: Path) -> None:
    path = written(tmp_path, FILE)
    assert place(path, "something is wrong") == str(path)


def test_what_our_own_reader_refuses_too_is_said_in_its_words(tmp_path: Path) -> None:
    path = written(tmp_path, "services: [web]\n")
    error = refused(path, "services must be a mapping", {}, detail="compose cannot use it")
    assert error.message == f"{path}:1: services: found ['web']; expected a mapping of keys to values"


def test_what_only_compose_refuses_is_said_in_its_words_with_the_line(tmp_path: Path) -> None:
    path = written(tmp_path, FILE)
    error = refused(path, 'service "web" depends on undefined service "db"', {}, detail="compose cannot use it")
    assert error.message == f"{path}:7: services.web.depends_on: compose cannot use it"
