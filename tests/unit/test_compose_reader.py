"""Compose files as people write them today, read without any program; and what docker-compose 1.29 is told of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from leakdrill.errors import BadInput, EnvironmentProblem
from leakdrill.scenario.compose import ComposeForm
from leakdrill.scenario.target import Limits
from leakdrill.targets.compose import cli
from leakdrill.targets.compose.cli import Compose
from leakdrill.targets.compose.file import notice_of_replicas, own_config, set_service
from leakdrill.targets.compose.interpolation import interpolate
from leakdrill.targets.compose.older import in_older_words
from leakdrill.targets.compose.reader import read_compose

if TYPE_CHECKING:
    from pathlib import Path

ENV = {"HOME": "/home/me", "EMPTY": "", "PASSED": "on"}
WEB = "services:\n  web:\n    image: nginx\n"


def read(folder: Path, text: str, **files: str) -> dict[str, Any]:
    """What is said of the file with `text`; other files are named by their paths, a slash written as two bars."""
    for name, content in {"compose.yaml": text, **files}.items():
        path = folder / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
    return read_compose(folder / "compose.yaml", ENV)


def web(folder: Path, text: str, **files: str) -> dict[str, Any]:
    found: dict[str, Any] = read(folder, text, **files)["services"]["web"]
    return found


HERE = "FOLDER"
"""Stands for the folder of the file in what is expected."""

FORMS: dict[str, tuple[str, dict[str, Any]]] = {
    "the project's name": ("name: shop\n" + WEB, {"image": "nginx"}),
    "a version": ("version: '3.8'\n" + WEB, {"image": "nginx"}),
    "a default": ("services: {web: {image: 'nginx:${TAG:-1.27}'}}\n", {"image": "nginx:1.27"}),
    "a default within a default": ("services: {web: {image: '${A:-${B:-nginx}}'}}\n", {"image": "nginx"}),
    "a default where empty counts": (
        "services: {web: {image: 'a${EMPTY-b}', command: '${EMPTY:-c}'}}\n",
        {"image": "a", "command": "c"},
    ),
    "another word where it is set": (
        "services: {web: {image: a, command: '${HOME:+x}${NONE:+y}'}}\n",
        {"image": "a", "command": "x"},
    ),
    "a dollar": ("services: {web: {image: a, command: 'echo $$HOME'}}\n", {"image": "a", "command": "echo $$HOME"}),
    "anchors and merge keys": (
        "x-a: &a {image: nginx}\nx-b: &b {init: true, image: other}\nservices: {web: {<<: [*a, *b], command: c}}\n",
        {"image": "nginx", "init": True, "command": "c"},
    ),
    "what x- holds stays as it is": ("x-a: {b: '${NOBODY:?sets it}'}\n" + WEB, {"image": "nginx"}),
    "words and numbers": (
        "services: {web: {image: a, environment: {A: yes, B: 'yes', C: 10, D: 12:30, E: 1.5, F: null}}}\n",
        {"image": "a", "environment": {"A": "true", "B": "yes", "C": "10", "D": "12:30", "E": "1.5"}},
    ),
    "a list of variables": (
        "services: {web: {image: a, environment: [A=1, B=, PASSED, NOWHERE, 'C=x=y']}}\n",
        {"image": "a", "environment": {"A": "1", "B": "", "PASSED": "on", "C": "x=y"}},
    ),
    "a service that extends another": (
        (
            "services:\n  base: {image: a, environment: {A: 1}, ports: ['1:1']}\n"
            "  web: {extends: base, environment: [B=2], ports: ['2:2']}\n"
        ),
        {"image": "a", "environment": {"A": "1", "B": "2"}, "ports": ["1:1", "2:2"]},
    ),
    "a command is one whole": (
        "services:\n  base: {image: a, command: [x, y]}\n  web: {extends: {service: base}, command: [z]}\n",
        {"image": "a", "command": ["z"]},
    ),
    "what is reset": (
        (
            "services:\n  base: {image: a, ports: ['1:1'], environment: {A: 1, B: 2}}\n"
            "  web: {extends: base, ports: !reset [], environment: {A: !reset null}}\n"
        ),
        {"image": "a", "environment": {"B": "2"}},
    ),
    "what is overridden": (
        "services:\n  base: {image: a, ports: ['1:1']}\n  web: {extends: base, ports: !override ['2:2']}\n",
        {"image": "a", "ports": ["2:2"]},
    ),
    "reset in one file alone": ("services: {web: {image: a, ports: !reset []}}\n", {"image": "a"}),
    "volumes of one place are one": (
        (
            "services:\n  base: {image: a, volumes: ['./a:/data', 'logs:/logs']}\n"
            "  web: {extends: base, volumes: ['./b:/data:ro']}\n"
        ),
        {"image": "a", "volumes": [f"{HERE}/b:/data:ro", "logs:/logs"]},
    ),
    "paths": (
        "services: {web: {build: ., volumes: ['./src:/src', {type: bind, source: ., target: /a}, '/srv:/t', /anon]}}\n",
        {
            "build": {"context": HERE},
            "volumes": [
                f"{HERE}/src:/src",
                {"type": "bind", "source": HERE, "target": "/a"},
                "/srv:/t",
                "/anon",
            ],
        },
    ),
    "a build from elsewhere": (
        "services: {web: {build: {context: 'https://github.com/a/b.git', args: [A=1]}}}\n",
        {"build": {"context": "https://github.com/a/b.git", "args": {"A": "1"}}},
    ),
    "switches and numbers that variables give": (
        "services: {web: {image: a, init: '${I:-true}', scale: '${N:-2}', healthcheck: {retries: '${N:-3}'}}}\n",
        {"image": "a", "init": True, "scale": 2, "healthcheck": {"retries": 3}},
    ),
    "labels are texts, and hosts have addresses": (
        "services: {web: {image: a, labels: {t.on: true, init: 'true'}, extra_hosts: ['a:1.2.3.4', 'b=::1']}}\n",
        {
            "image": "a",
            "labels": {"t.on": "true", "init": "true"},
            "extra_hosts": {"a": "1.2.3.4", "b": "::1"},
        },
    ),
    "profiles": ("services: {web: {image: a, profiles: [debug]}}\n", {"image": "a", "profiles": ["debug"]}),
}


@pytest.mark.parametrize(("text", "expected"), FORMS.values(), ids=FORMS)
def test_a_service_is_read_as_todays_compose_reads_it(tmp_path: Path, text: str, expected: dict[str, Any]) -> None:
    assert web(tmp_path, text) == json.loads(json.dumps(expected).replace(HERE, str(tmp_path.resolve())))


def test_files_that_are_included_bring_their_services_their_paths_and_their_variables(tmp_path: Path) -> None:
    text = "include: [db/compose.yaml, {path: cache.yaml, env_file: cache.env}]\n" + WEB + "    depends_on: [db]\n"
    db = "services: {db: {image: 'redis:${TAG}', volumes: ['./data:/data']}}\nvolumes: {v: {}}\n"
    cache = "services: {cache: {image: '${IMAGE}'}}\n"
    files = {"db__compose.yaml": db, "db___dot_env": "TAG=7\n", "cache.yaml": cache, "cache.env": "IMAGE=memcached\n"}
    config = read(tmp_path, text, **files)
    assert set(config["services"]) == {"db", "cache", "web"}
    assert config["services"]["db"] == {"image": "redis:7", "volumes": [f"{tmp_path.resolve()}/db/data:/data"]}
    assert config["services"]["cache"] == {"image": "memcached"}
    assert config["volumes"] == {"v": {}}


def test_a_service_of_another_file_keeps_its_own_paths(tmp_path: Path) -> None:
    base = "services: {base: {build: ., env_file: base.env, depends_on: [db]}}\n"
    text = "services: {web: {extends: {file: other/base.yaml, service: base}, environment: {A: '2'}}}\n"
    found = web(tmp_path, text, **{"other__base.yaml": base, "other__base.env": "A=1\nB=1\n"})
    assert found["build"] == {"context": f"{tmp_path.resolve()}/other"}
    assert found["environment"] == {"A": "2", "B": "1"}


@pytest.mark.parametrize(
    "form", ["web.env", "[web.env]", "[{path: web.env}]", "[web.env, {path: no, required: false}]"]
)
def test_files_of_variables_in_each_of_their_forms(tmp_path: Path, form: str) -> None:
    lines = (
        "# a comment\n\nexport A=1\n"
        "B='x $Y'  # literal\nC=\"a\\nb ${A}\"\nD = plain # comment\nE=a#b\nPASSED\nNOWHERE\n"
        'F="two\nlines"\nG=${HOME:-x}\n'
    )
    found = web(tmp_path, f"{WEB}    env_file: {form}\n", **{"web.env": lines})
    assert found["environment"] == {
        "A": "1",
        "B": "x $$Y",
        "C": "a\nb 1",
        "D": "plain",
        "E": "a#b",
        "PASSED": "on",
        "F": "two\nlines",
        "G": "/home/me",
    }


def test_a_raw_file_of_variables_is_taken_as_it_stands(tmp_path: Path) -> None:
    text = f"{WEB}    env_file: [{{path: raw.env, format: raw}}]\n"
    found = web(tmp_path, text, **{"raw.env": "# no\nA=$b 'c' # d\n\nB\n"})
    assert found["environment"] == {"A": "$$b 'c' # d"}


def test_what_is_outside_wins_over_the_file_beside(tmp_path: Path) -> None:
    files = {"_dot_env": "HOME=/other\nTAG=7\n"}
    assert web(tmp_path, "services: {web: {image: 'a:${TAG}', command: '$HOME'}}\n", **files) == {
        "image": "a:7",
        "command": "/home/me",
    }


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "services:\n  web:\n    image: 'a:${TAG:?set TAG}'\n",
            ":3: services.web.image: the variable TAG is not set: set",
        ),
        ("services:\n  web:\n    image: 'a:${TAG'\n", r":3: services.web.image: .* is not closed"),
        (
            "services:\n  web:\n    command: ['$1']\n",
            r":3: services.web.command\[0\]: .* a dollar itself is written \$\$",
        ),
        ("services:\n  web:\n    env_file: no.env\n", r":3: services.web.env_file.*: there is no .*no.env"),
        ("services:\n  web: {extends: base}\n", r':1: services: there is no service "base" to extend; found web'),
        ("services:\n  web: {extends: web}\n", ":2: services.web: web extends itself"),
        ("include: [compose.yaml]\n" + WEB, "includes itself"),
        ("include: [no.yaml]\n" + WEB, "no.yaml: cannot be read"),
        ("services: [web]\n", ":1: services: found .*; expected a mapping"),
        ("services:\n  web: {image: a, image: b}\n", r":2: services.web.image: given twice"),
        ("name: shop\n", "found no services"),
        ("services:\n  web: {image: a, ports: !new []}\n", ":2: not YAML: .*!new"),
        ("a: [\n", ":1: not YAML"),
        (
            "services:\n  web:\n    depends_on: 7\n",
            r":3: services.web.depends_on: found 7; expected a list or a mapping",
        ),
        ("services:\n  web: {extends: {file: db.yaml}}\n", ":2: services.web.extends: service is missing"),
        ("include: [db.yaml]\nservices:\n  db: {image: b}\n", ":3: services.db: services.db is defined twice"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_line(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(BadInput, match=rf"(?s)\.yaml{says}" if says.startswith(":") else says):
        read(tmp_path, text, **{"db.yaml": "services: {db: {image: a}}\n"})


def test_a_variable_may_stand_anywhere_in_a_text() -> None:
    values = {"A": "1", "E": ""}
    for text, expected in {
        "$A-${A}.$$A": "1-1.$A",
        "${E:-x${A}}${E-y}": "x1",
        "${B:-{}}": "{}",
        "": "",
        "${A:?no}": "1",
        "${B+x}${E+y}": "y",
    }.items():
        assert interpolate(text, values) == expected
    for wrong in ("${", "${}", "$", "${A!}", "${B?}", "${1}"):
        with pytest.raises(ValueError, match=r"variable|closed"):
            interpolate(wrong, values)


OLDER: dict[str, tuple[str, dict[str, Any]]] = {
    "limits": (
        "deploy: {resources: {limits: {memory: 512M, cpus: '0.5', pids: 99}, reservations: {memory: 256M}}}",
        {"mem_limit": "512M", "cpus": 0.5, "pids_limit": 99, "mem_reservation": "256M"},
    ),
    "what is said twice": (
        "mem_limit: 1g\n    deploy: {resources: {limits: {memory: 512M}}}",
        {"mem_limit": "1g"},
    ),
    "cards": (
        "gpus: all",
        {"deploy": {"resources": {"reservations": {"devices": [{"capabilities": ["gpu"], "count": "all"}]}}}},
    ),
    "conditions": (
        "depends_on: {db: {condition: service_healthy, restart: true, required: false}}",
        {"depends_on": {"db": {"condition": "service_healthy"}}},
    ),
    "a list of dependencies": ("depends_on: [db]", {"depends_on": {"db": {"condition": "service_started"}}}),
    "health": (
        "healthcheck: {test: [CMD, a], interval: 1m30s, start_period: 5s, start_interval: 1s}",
        {"healthcheck": {"test": ["CMD", "a"], "interval": "1m30s", "start_period": "5s"}},
    ),
    "what only a developer needs": ("develop: {watch: []}\n    pull_policy: always\n    attach: false", {}),
    "folders that are made": (
        "volumes: [{type: bind, source: /a, target: /a, bind: {create_host_path: true}}]",
        {"volumes": [{"type": "bind", "source": "/a", "target": "/a"}]},
    ),
    "how many": ("deploy: {replicas: 3, mode: replicated, restart_policy: {condition: any}}", {"scale": 3}),
}


@pytest.mark.parametrize(("text", "expected"), OLDER.values(), ids=OLDER)
def test_docker_compose_1_is_told_in_its_own_words(tmp_path: Path, text: str, expected: dict[str, Any]) -> None:
    config = in_older_words(read(tmp_path, f"{WEB}    {text}\n  db: {{image: a}}\n"))
    assert config["services"]["web"] == {"image": "nginx", **expected}


def test_the_reader_takes_the_place_of_version_1_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "compose.yaml").write_text("name: shop\n" + WEB)
    monkeypatch.setattr(cli, "predates_the_format", lambda: True)
    compose = Compose(tmp_path / "compose.yaml", project="x")
    assert compose.config() == {"services": {"web": {"image": "nginx"}}}

    def refuse(*_: str, **__: float) -> str:
        raise EnvironmentProblem(f"compose config failed:\n  {tmp_path}/services.x\n  services.web has 'image'")

    monkeypatch.setattr(compose, "run", refuse)
    with pytest.raises(BadInput, match=r"compose.yaml:4: services.web.image: docker-compose 1, .*cannot use it") as e:
        compose.check(tmp_path / "compose.yaml")
    assert "version 2" in e.value.hint


def form(**more: Any) -> ComposeForm:
    return ComposeForm.model_validate({"file": "shop/compose.yaml", "service": "web", **more})


def own(services: dict[str, Any], **more: Any) -> dict[str, Any]:
    return own_config({"services": services, **more}, form(), labels={"leakdrill.run": "1"}, port=4000)


def test_a_limit_of_the_drill_takes_the_place_of_the_files_in_each_form() -> None:
    """Compose 2 refuses `mem_limit` beside another `deploy.resources.limits.memory`."""
    limits = {"limits": {"memory": "512M", "cpus": "2", "pids": 9}, "reservations": {"memory": "256M", "cpus": "1"}}
    made = own({"web": {"image": "a", "deploy": {"resources": limits}, "mem_reservation": "1g", "cpu_quota": 5}})
    set_service(made, "web", env={}, limits=Limits.model_validate({"memory": "64MiB", "cpus": 0.5}))
    web = made["services"]["web"]
    assert web["deploy"]["resources"] == {"limits": {"pids": 9}, "reservations": {}}
    assert not {"mem_reservation", "cpu_quota"} & web.keys()
    assert limits["limits"]["memory"] == "512M", "the user's is not changed"


def test_a_container_that_ends_is_not_started_again_unseen() -> None:
    deploy = {"replicas": 3, "mode": "replicated", "restart_policy": {"condition": "any"}, "labels": {"a": "b"}}
    made = own({"web": {"image": "a", "depends_on": ["db"], "deploy": deploy}, "db": {"image": "b", "deploy": deploy}})
    assert made["services"]["web"]["deploy"] == {"labels": {"a": "b"}}
    assert made["services"]["db"]["deploy"] == {"replicas": 3, "mode": "replicated", "labels": {"a": "b"}}


def test_secrets_configs_and_all_whose_parts_it_shares_come_along() -> None:
    services = {
        "web": {
            "image": "a",
            "links": ["db:database"],
            "volumes_from": ["data:ro"],
            "ipc": "service:shm",
            "secrets": ["t"],
        },
        "db": {"image": "b", "depends_on": {"gone": {"condition": "service_started", "required": False}}},
        "data": {"image": "c"},
        "shm": {"image": "d"},
        "other": {"image": "e"},
    }
    secrets = {"t": {"name": "shop_t", "file": "/t"}, "u": {"name": "u", "external": True}}
    made = own(services, secrets=secrets, networks={"front": {"name": "shop_front"}})
    assert list(made["services"]) == ["web", "db", "data", "shm"]
    assert made["services"]["db"]["depends_on"] == {}
    assert made["secrets"] == {"t": {"file": "/t"}, "u": {"name": "u", "external": True}}
    assert made["networks"]["default"] == {"labels": {"leakdrill.run": "1"}}, "a network without a label would stay"


@pytest.mark.parametrize("mode", ["host", "none", "service:vpn", "container:abc"])
def test_a_network_in_which_no_port_can_be_published_is_refused(mode: str) -> None:
    with pytest.raises(BadInput, match=f"gives the service web network_mode: {mode}"):
        own({"web": {"image": "a", "network_mode": mode}})


@pytest.mark.parametrize("more", [{"scale": 3}, {"deploy": {"replicas": 3}}])
def test_another_number_of_replicas_than_the_file_asks_for_is_told(more: dict[str, Any]) -> None:
    config = {"services": {"web": {"image": "a", **more}}}
    said = "compose.yaml asks for 3 replicas of web; target.compose.replicas is 1"
    assert notice_of_replicas(config, form()) == said
    assert notice_of_replicas(config, form(replicas=3, entrance="web")) is None
    assert notice_of_replicas({"services": {"web": {}}}, form()) is None


def test_what_is_built_is_not_pulled() -> None:
    assert "pull_policy" not in own({"web": {"build": {"context": "."}, "pull_policy": "always"}})["services"]["web"]
