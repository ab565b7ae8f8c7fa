"""What a plan must never do: talk to a stranger, do less than the runbook says, or take a change for a look."""

from __future__ import annotations

import pytest
from runbook_texts import runbook

from leakdrill.masking import masked
from leakdrill.runbooks.as_step import Known, NotOurs, as_step
from leakdrill.runbooks.bindings import Bindings
from leakdrill.runbooks.options import ways
from leakdrill.runbooks.plan import make_plan
from leakdrill.runbooks.read import read_runbook
from leakdrill.runbooks.words import simple_words

BINDINGS = {"target": ["gateway"], "hosts": {"localhost:8000": "@{url}"}, "placeholders": {"pid": "@{pid}"}}


@pytest.fixture
def planned(tmp_path):
    """The plan for a file with `text` in one fence: what each line does is judged, not given."""

    def plan(text, *, platform="process", **bindings):
        path = tmp_path / "memory.md"
        path.write_text(f"# Memory\n\n```bash\n{text}\n```\n")
        read = read_runbook(path)
        return make_plan(read, Bindings.model_validate({**BINDINGS, **bindings}), ways(read)[0], platform=platform)

    return plan


@pytest.mark.parametrize(
    "line",
    [
        "curl -s shop.example/x",
        "curl -s db.internal:8080/metrics",
        "curl -s http://localhost:8000@shop.example/x",
        "curl -s HTTP://shop.example/x",
        "curl -s //shop.example/x",
        "curl -s ftp://shop.example/x",
        "curl -s 'http://[::1]:9090/x'",
        "curl -s localhost:9100/metrics",
        "wget -qO- shop.example/x",
        "http GET shop.example",
        "ping -c 1 db.internal",
        "nc -z db 5432",
        "dig @192.0.2.8 gateway",
        "psql -h db.internal -c 'select 1'",
        "psql 'host=db.internal dbname=x' -c 'select 1'",
        "mysql -hdb.internal -e 'show processlist'",
        "redis-cli -h cache info memory",
        "ssh web-1 ps aux",
        "openssl s_client -connect db.internal:443 </dev/null",
    ],
)
@pytest.mark.parametrize("platform", ["process", "docker"])
def test_no_look_talks_to_a_host_that_nothing_maps(planned, line, platform):
    plan = planned(line, platform=platform)
    assert plan.steps == []
    assert "which bindings do not map to anything of the drill" in plan.left_out[0].why


def test_a_host_that_the_bindings_map_is_asked(planned):
    hosts = {"db.internal:8080": "@{url}", "db": "127.0.0.1"}
    steps = planned("curl -s db.internal:8080/x\nnc -z db 5432", hosts=hosts).steps
    assert [step.step.command.shell for step in steps] == ["curl -s @{url}/x", "nc -z 127.0.0.1 5432"]


def test_in_a_container_the_machine_itself_is_the_targets(planned):
    assert len(planned("redis-cli -h localhost info memory", platform="docker").steps) == 1
    assert planned("redis-cli -h localhost info memory").steps == []


@pytest.mark.parametrize(
    ("line", "do"),
    [
        ("curl -XPOST @{url}/gc", {"method": "POST", "path": "/gc"}),
        ("curl -sXPOST @{url}/gc", {"method": "POST", "path": "/gc"}),
        ("curl -sSX POST @{url}/gc -o /dev/null", {"method": "POST", "path": "/gc"}),
        ("curl -X PUT --data-binary '{\"a\": 1}' @{url}/x", {"method": "PUT", "path": "/x", "body": {"a": 1}}),
        (
            "curl -X POST -H 'A: 1' -H 'B: 2' @{url}/x",
            {"method": "POST", "path": "/x", "headers": {"A": "1", "B": "2"}},
        ),
        ("curl -X POST --url @{url}/x", {"method": "POST", "path": "/x"}),
    ],
)
def test_a_request_is_sent_as_curl_would_send_it(line, do):
    step = as_step(simple_words(line), Known(frozenset({"gateway"})))
    assert step.do == {"http": do}


@pytest.mark.parametrize(
    "line",
    [
        "curl -X POST -d @body.json @{url}/x",
        "curl -X POST -F a=b @{url}/x",
        "curl -X POST -d a=1 -d b=2 @{url}/x",
        "curl -X POST @{url}/x @{url}/y",
        "curl -X POST @{url}@shop.example/x",
        "curl -X POST @{url}.shop.example/x",
        "curl -X POST --proxy http://p @{url}/x",
        "curl -I -X POST @{url}/x",
        "kubectl autoscale deployment gateway --max=many",
        "kubectl scale deployment gateway --replicas=²",
        "kubectl scale deployment gateway --replicas=" + "9" * 5000,
        "kubectl set env deployment/gateway A=1 B-",
    ],
)
def test_what_our_step_cannot_do_in_full_is_no_step(line):
    assert as_step(simple_words(line), Known(frozenset({"gateway"}))) is None


@pytest.mark.parametrize(
    "line",
    [
        "kubectl rollout restart deployment web gateway",
        "kubectl scale --replicas=3 deployment/web deployment/gateway",
        "docker service scale web=2 gateway=2",
        "docker-compose up -d --scale web=3 --scale gateway=3",
        "docker restart db gateway",
        "docker update -m 1g db gateway",
        "systemctl restart nginx gateway",
        "kubectl delete pod -l app=web,tier=gateway",
        "kubectl delete pod -l app!=gateway",
        "kubectl delete pod -l 'app in (gateway, web)'",
        "kubectl set env deployment web gateway A=1",
        "kubectl autoscale deployment/web deployment/gateway --max=3",
    ],
)
def test_a_command_for_another_service_too_is_not_done_to_the_target_alone(line):
    with pytest.raises(NotOurs, match="not the drill's target"):
        as_step(simple_words(line), Known(frozenset({"gateway"})))


def test_a_value_that_makes_a_look_a_change_makes_it_one(planned):
    (kept,) = planned("tail <file>", placeholders={"file": "/var/log/x"}).steps
    assert kept.rehearsed.kind == "look"
    plan = planned("tail <file>", placeholders={"file": "x; rm -rf /srv"})
    assert plan.steps == []
    assert "would change this machine" in plan.left_out[0].why
    (bound,) = planned("tail x", steps=[{"line": 4, "run": "rm -rf /srv"}]).steps
    assert bound.rehearsed.kind == "destructive"


@pytest.mark.parametrize("line", ["systemctl status gateway", "journalctl -u gateway -n 20", "service gateway status"])
@pytest.mark.parametrize("platform", ["process", "docker", "kubernetes"])
def test_a_unit_of_a_machine_is_none_of_the_drills(planned, line, platform):
    plan = planned(line, platform=platform)
    assert plan.steps == []
    assert "the drill's target is none; bind it" in plan.left_out[0].why


@pytest.mark.parametrize(
    ("second", "takes_back"),
    [
        ("kubectl scale deployment gateway --replicas=5", False),
        ("kubectl scale deployment gateway --replicas=3", False),
        ("kubectl scale deployment gateway --replicas=1", True),
    ],
)
def test_a_change_that_goes_on_the_same_way_takes_nothing_back(planned, second, takes_back):
    first, later = planned(f"kubectl scale deployment gateway --replicas=3\n{second}").steps
    assert (later.rehearsed.takes_back == first.rehearsed.name, first.rehearsed.undo is not None) == (takes_back, True)


def test_what_takes_the_first_change_back_takes_back_what_went_on_after_it(planned):
    lines = [f"docker update -m {size} gateway" for size in ("1g", "2g", "512m")]
    first, more, back = planned("\n".join(lines)).steps
    assert (more.rehearsed.takes_back, more.rehearsed.undo) == (None, None)
    assert back.rehearsed.takes_back == first.rehearsed.name


def test_a_secret_in_a_command_is_in_no_name_so_that_the_record_has_the_same_names(planned):
    lines = (
        "redis-cli -a hunter2secret info\nread -s -p 'Password: ' P < /dev/tty\ncurl -u admin:pa55word localhost:8000/x"
    )
    names = [step.step.name for step in planned(lines, platform="docker").steps]
    assert len(names) >= 2
    assert [masked(name) for name in names] == names
    assert "hunter2secret" not in "".join(names)


def test_a_runbook_whose_kinds_are_given_is_planned_as_before():
    read = runbook("# A\n```\ndocker restart gateway\n```")
    (step,) = make_plan(read, Bindings.model_validate(BINDINGS), ways(read)[0], platform="docker").steps
    assert step.step.action_name == "restart"
