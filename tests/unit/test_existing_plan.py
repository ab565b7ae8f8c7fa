"""The plan of a drill on a service that runs already: what it must say, and what it may do to the service."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from leakdrill.alerting.published_series import published_series
from leakdrill.errors import BadInput
from leakdrill.runs.drill.permission import check_is_there, check_permission, needed
from leakdrill.runs.gate.service import _target_type
from leakdrill.runs.placement import placed
from leakdrill.scenario.reader import read_scenario
from leakdrill.scenario.target import ProcessTarget
from leakdrill.targets.existing.unit import End, end_of, parse_unit

if TYPE_CHECKING:
    from pathlib import Path

URL = "http://127.0.0.1:8000"


def target(**fields: Any) -> ProcessTarget:
    return ProcessTarget.model_validate({"name": "shop", **fields})


@pytest.fixture
def plan(tmp_path: Path) -> Any:
    def write(target: str, steps: str = "[]") -> Path:
        (tmp_path / "locustfile.py").write_text("")
        path = tmp_path / "shop.yaml"
        path.write_text(f"name: shop\ntarget: {target}\nload: {{locustfile: locustfile.py}}\nsteps: {steps}\n")
        return path

    return write


def check(path: Path, allow: str | None = None) -> None:
    check_permission(path, placed(read_scenario(path), None, allow), allow)


def refusal(path: Path, allow: str | None = None) -> str:
    with pytest.raises(BadInput) as raised:
        check(path, allow)
    return raised.value.message.replace(f"{path}:", "")


def test_a_url_means_that_the_service_runs_already() -> None:
    spec = target(url=f"{URL}/")
    assert (spec.kind, spec.url, spec.own_port, spec.platform, spec.runs_here) == (
        "existing", URL, 8000, "process", True,
    )  # fmt: skip
    assert target(url="https://localhost").own_port == 443
    assert target(url="HTTPS://Shop.example/API/", pid=7).url == "https://Shop.example/API"
    assert target(url=URL, listens=9000).own_port == 9000
    assert target(url=URL, pid=7, proxied=True).own_port is None


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"url": "127.0.0.1:8000"}, "expected an address such as http://127.0.0.1:8000"),
        ({"url": "ftp://127.0.0.1"}, "expected an address such as"),
        ({"url": "http://127.0.0.1:99999"}, "expected an address such as"),
        ({"url": "http://127.0.0.1/?a=b"}, "expected an address such as"),
        (
            {"url": "http://me:secret@127.0.0.1:8000"},
            "it has a user or a password; expected .*http.headers takes a password",
        ),
        ({"url": URL, "pid": 0}, "greater than or equal to 1"),
        ({"url": URL, "pid": 4, "unit": "shop.service"}, "expected one of pid, pid_file and unit; found pid, unit"),
        ({"url": "http://10.0.0.7"}, "expected pid, pid_file, unit or listens: which process of this machine is it"),
        ({"url": URL, "proxied": True}, "which process of this machine is it"),
        ({"unit": "shop.service"}, "expected url, the address at which the unit answers"),
        ({"url": URL, "unit": "shop;reboot"}, "String should match pattern"),
        ({"url": URL, "unit": "-H"}, "String should match pattern"),
        ({"url": URL, "command": ["x"]}, "command is for a service that the drill starts; found url"),
        ({"url": URL, "limits": {"disk": "1MiB"}}, "limits.disk is for a service that the drill starts"),
        ({"url": URL, "kind": "process", "command": ["x"]}, "is of kind existing; found process"),
    ],
)
def test_what_does_not_say_which_service_it_is_is_refused(fields: dict[str, Any], expected: str) -> None:
    with pytest.raises(ValidationError, match=expected):
        target(**fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"url": URL, "listens": 9000, "http": {"headers": {"X": "${Y}"}}},
        {"url": "https://10.0.0.7", "unit": "shop.service", "restart_command": ["x"], "limits": {"memory": "1GiB"}},
        {"container": "shop-web-1"},
        {"container": {"existing": "shop-web-1", "port": 80, "disk": "/var/log"}},
        {"kind": "docker", "command": ["x"], "container": {"existing": "shop-web-1", "engine": "tcp://10.0.0.7:2375"}},
    ],
)
def test_what_a_record_holds_of_it_can_be_read_again(fields: dict[str, Any]) -> None:
    spec = target(**fields)
    assert ProcessTarget.model_validate_json(spec.model_dump_json()) == spec


def test_watching_and_loading_on_loopback_needs_no_permission(plan: Any) -> None:
    steps = "[{name: flush, http: {path: /flush}}, {name: collect, gc: {}}, {name: keep, copy_out: {http: /heap}}]"
    check(plan(f"{{name: shop, url: '{URL}'}}", steps))


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("restart: {}", "the step restart restarts a service that runs already"),
        ("kill: {match: worker}", "the step kill signals a service that runs already"),
        ("exec: {command: ['true']}", "the step exec runs a command beside a service that runs already"),
    ],
)
def test_a_step_that_does_more_than_ask_must_be_allowed(plan: Any, key: str, text: str) -> None:
    path = plan(f"{{name: shop, url: '{URL}', unit: shop.service}}", f"\n  - name: cure\n    {key}")
    where = f"6: steps[0].{key.partition(':')[0]}"
    assert refusal(path) == f"{where}: {text}; expected --allow shop.service, found nothing"
    assert refusal(path, "other") == f"{where}: {text}; expected --allow shop.service, found other"
    check(path, "shop.service")
    assert [name for _, _, name in needed(read_scenario(path))] == ["shop.service"]


def test_a_service_without_a_unit_is_allowed_by_its_address(plan: Any) -> None:
    path = plan(f"{{name: shop, url: '{URL}', restart_command: [svc, restart]}}", "[{name: cure, restart: {}}]")
    assert "expected --allow 127.0.0.1:8000, found nothing" in refusal(path)
    check(path, "127.0.0.1:8000")


def test_load_that_leaves_loopback_must_be_allowed(plan: Any) -> None:
    path = plan("{name: shop, url: 'http://10.0.0.7:80', unit: shop.service}", "[{name: cure, restart: {}}]")
    assert refusal(path, "shop.service") == (
        "2: target.url: the load goes to 10.0.0.7:80, which is not loopback; expected --allow 10.0.0.7:80, "
        "found shop.service"
    )
    check(path, "shop.service, 10.0.0.7:80")


def test_a_container_that_runs_already_is_allowed_by_its_name(plan: Any) -> None:
    asks = "{name: flush, http: {path: /flush}}, {name: keep, copy_out: {path: /data/heap}}"
    check(plan("{name: shop, container: shop-web-1}", f"[{asks}]"))
    path = plan("{name: shop, container: shop-web-1}", f"[{asks}, {{name: more, set_limits: {{memory: 1GiB}}}}]")
    assert refusal(path) == (
        "4: steps[2].set_limits: the step set_limits changes a service that runs already; "
        "expected --allow shop-web-1, found nothing"
    )
    check(path, "shop-web-1")
    check(plan("{name: shop, container: shop-web-1}", "[{name: cure, restart: {}}]"), "shop-web-1")


def test_a_service_of_a_project_that_is_up_is_allowed_by_the_name_of_the_project(plan: Any, tmp_path: Path) -> None:
    (tmp_path / "docker-compose.yml").write_text("services: {web: {image: web}}\n")
    spec = "{name: web, compose: {file: docker-compose.yml, service: web, project: staging}}"
    check(plan(spec, "[{name: flush, http: {path: /flush}}]"))
    path = plan(spec, "[{name: cure, restart: {}}, {name: look, exec: {command: [free]}}]")
    assert [line.partition("; ")[2] for line in refusal(path).splitlines()] == [
        "expected --allow staging, found nothing"
    ] * 2
    check(path, "staging")
    assert "the step scale cannot be done" in refusal(plan(spec, "[{name: cure, scale: {replicas: 2}}]"), "staging")
    check(plan(spec.replace(", project: staging", ""), "[{name: cure, restart: {}}]"))


def test_the_disk_of_a_container_is_measured_where_the_scenario_says_where_it_is(plan: Any) -> None:
    path = plan("{name: shop, container: shop-web-1}")
    leak = "leaks: [{name: log, resource: disk, per_request: 1KiB}]\n"
    path.write_text(path.read_text() + leak)
    assert "not measured; expected target.container.disk, where it is mounted" in refusal(path)
    path = plan("{name: shop, container: {existing: shop-web-1, disk: /var/log}}")
    path.write_text(path.read_text() + leak)
    check(path)


def test_a_step_that_no_container_of_others_bears_is_refused(plan: Any) -> None:
    path = plan("{name: shop, container: shop-web-1}", "[{name: cure, scale: {replicas: 2}}]")
    assert "the step scale cannot be done to a service that runs already" in refusal(path, "shop-web-1")


@pytest.mark.parametrize(
    ("container", "expected"),
    [
        ({}, "expected an image, or an existing container"),
        ({"existing": "web", "image": "web"}, "an existing container is used as it is; expected no image"),
        ({"existing": "web", "build": ".", "command": ["x"]}, "expected no build and no command"),
        ({"image": "web", "engine": "tcp://10.0.0.7:2375"}, "engine says where an existing container runs"),
        ("", "at least 1 character"),
    ],
)
def test_a_container_is_made_or_there_and_not_both(container: Any, expected: str) -> None:
    with pytest.raises(ValidationError, match=expected):
        target(kind="docker", container=container)


@pytest.mark.parametrize("url", ["http://127.0.0.1.example.com:80", "http://localhost.example.com:80"])
def test_a_name_that_only_begins_like_loopback_is_not_it(url: str) -> None:
    assert not target(url=url, pid=7).on_loopback


@pytest.mark.parametrize(
    ("spec", "key", "expected"),
    [
        ("", "set_limits: {memory: 1GiB}", "the step set_limits cannot be done to a service that runs already"),
        ("", "truncate_log: {path: app.log}", "the step truncate_log cannot be done"),
        ("", "copy_out: {path: heap.bin}", "no file can be copied out of a service that runs already; expected http"),
        ("", "restart: {}", "expected target.restart_command or target.unit"),
        (", pid: 7, restart_command: [x]", "restart: {}", "after a restart its pid is another one; expected pid_file"),
    ],
)
def test_a_step_that_nobody_can_carry_out_is_named_before_the_start(
    plan: Any, spec: str, key: str, expected: str
) -> None:
    path = plan(f"{{name: shop, url: '{URL}'{spec}}}", f"[{{name: cure, {key}}}]")
    message = refusal(path, "127.0.0.1:8000")
    assert message.startswith("4: steps[0].")
    assert expected in message


def test_a_process_that_does_not_run_is_named_with_its_line(plan: Any, tmp_path: Path) -> None:
    (tmp_path / "shop.pid").write_text("4194304999\n")
    path = plan(f"\n  name: shop\n  url: {URL}\n  pid_file: shop.pid")
    with pytest.raises(BadInput, match=r"shop\.yaml:5: target\.pid_file: pid 4194304999 of .* does not run"):
        check_is_there(path, read_scenario(path))
    (tmp_path / "shop.pid").write_text("soon")
    with pytest.raises(BadInput, match=r'5: target\.pid_file: .*: found "soon"; expected a process id'):
        check_is_there(path, read_scenario(path))


def test_what_runs_leakdrill_itself_is_no_target(plan: Any) -> None:
    path = plan(f"{{name: shop, url: '{URL}', pid: {os.getpid()}}}")
    with pytest.raises(BadInput, match="is what runs leakdrill itself; expected the service"):
        check_is_there(path, read_scenario(path))


def test_a_unit_is_read_from_what_systemctl_shows() -> None:
    unit = parse_unit({"MainPID": "4121", "ControlGroup": "/system.slice/shop.service"})
    assert (unit.main_pid, unit.control_group) == (4121, "/system.slice/shop.service")
    assert parse_unit({}).main_pid == 0


@pytest.mark.parametrize(
    ("result", "status", "end"),
    [
        ("oom-kill", "9", End(signal="SIGKILL", oom_killed=True)),
        ("core-dump", "11", End(signal="SIGSEGV")),
        ("exit-code", "3", End(exit_code=3.0)),
        ("success", "0", End(exit_code=0.0)),
        ("watchdog", "6", End()),
        ("exit-code", "", End()),
    ],
)
def test_how_a_unit_ended_is_said_where_systemd_knows(result: str, status: str, end: End) -> None:
    shown = {"ExecMainPID": "4121", "ExecMainStatus": status, "Result": result}
    assert end_of(shown, 4121) == end
    assert end_of(shown, 4122) == End()


@pytest.mark.parametrize(
    ("spec", "promised"),
    [
        (f"{{name: shop, url: '{URL}'}}", False),
        ("{name: shop, container: shop-web-1}", False),
        ("{name: shop, container: {existing: shop-web-1, disk: /var/log}}", True),
    ],
)
def test_series_of_a_disk_are_promised_only_where_it_is_read(plan: Any, spec: str, *, promised: bool) -> None:
    names = {series.name for series in published_series(read_scenario(plan(spec)))}
    assert "container_memory_working_set_bytes" in names
    assert bool([name for name in names if "filesystem" in name or name == "container_fs_usage_bytes"]) == promised


def test_a_port_that_nobody_listens_on_is_named_with_its_line(plan: Any) -> None:
    path = plan("\n  name: shop\n  url: http://127.0.0.1:8000\n  listens: 1")
    with pytest.raises(BadInput, match=r"shop\.yaml:5: target\.listens: no process of this machine was found"):
        check_is_there(path, read_scenario(path))


def test_a_service_that_runs_already_is_put_on_no_platform(plan: Any) -> None:
    with pytest.raises(BadInput, match=r"--on docker: target 'shop' runs already, at http://127\.0\.0\.1:8000"):
        placed(read_scenario(plan(f"{{name: shop, url: '{URL}'}}")), "docker")


def test_the_gate_refuses_it(plan: Any) -> None:
    with pytest.raises(BadInput, match="the gate needs a process or docker target, whose pages it can read"):
        _target_type(read_scenario(plan(f"{{name: shop, url: '{URL}'}}")).target)


def test_a_leak_that_nobody_would_see_is_named_before_the_start(plan: Any) -> None:
    path = plan(f"{{name: shop, url: '{URL}'}}")
    path.write_text(path.read_text() + "leaks: [{name: logs, resource: disk}]\n")
    assert refusal(path) == (
        "5: leaks[0].resource: the disk of a service that runs already is not measured; expected another resource"
    )


@pytest.mark.parametrize(
    ("url", "address", "loopback"),
    [
        ("http://LOCALHOST", "localhost:80", True),
        ("https://shop.example.com/api/", "shop.example.com:443", False),
        ("http://[::1]:8000", "[::1]:8000", True),
        ("http://[2001:db8::1]:8000", "[2001:db8::1]:8000", False),
        ("http://127.1.2.3:9", "127.1.2.3:9", True),
        ("http://0x7f000001:8000", "127.0.0.1:8000", True),
        ("http://0.0.0.0:8000", "0.0.0.0:8000", False),
    ],
)
def test_where_a_url_leads_is_told_by_its_host(url: str, address: str, loopback: bool) -> None:
    spec = target(url=url, pid=7)
    assert (spec.address, spec.goes_by, spec.on_loopback) == (address, address, loopback)
