"""What a rehearsal carries out of a runbook: which step a command is, where it runs, and why another does not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from runbook_texts import runbook

from leakdrill.errors import BadInput
from leakdrill.judging.evidence.shown_numbers import shown_numbers, shows
from leakdrill.runbooks.alert_name import named_alerts
from leakdrill.runbooks.as_step import Known, NotOurs, as_step
from leakdrill.runbooks.bindings import Bindings, BoundFile
from leakdrill.runbooks.fragment import FragmentKind, Place
from leakdrill.runbooks.inside import OtherPlace, entered, looks_from_outside, opens_shell
from leakdrill.runbooks.options import ways
from leakdrill.runbooks.plan import Plan, make_plan
from leakdrill.runbooks.sought import sought_by, told_in
from leakdrill.runbooks.words import simple_words, without_comment

KNOWN = Known(frozenset({"gateway"}))
BINDINGS = {"target": ["gateway"], "hosts": {"localhost:8000": "@{url}", "localhost:9090": "@{prometheus}"}}


def planned(text: str, *, platform: str = "docker", **bindings: object) -> Plan:
    """The plan for a runbook with `text` in one fence."""
    read = runbook(f"# Memory\n\n```bash\n{text}\n```\n")
    return make_plan(read, Bindings.model_validate({**BINDINGS, **bindings}), ways(read)[0], platform=platform)


def only(plan: Plan) -> tuple[str, object]:
    (step,) = plan.steps
    return step.step.action_name, step.step.action


@pytest.mark.parametrize(
    ("line", "do"),
    [
        ("docker-compose restart gateway", {"restart": {}}),
        ("docker compose -f prod.yml restart -t 5 gateway", {"restart": {}}),
        ("docker restart gateway", {"restart": {}}),
        ("sudo systemctl restart gateway.service", {"restart": {}}),
        ("service gateway restart", {"restart": {}}),
        ("kubectl rollout restart deployment/gateway -n shop", {"restart": {}}),
        ("kubectl scale deployment/gateway --replicas=5", {"scale": {"replicas": 5}}),
        ("kubectl scale deployment gateway --replicas 5 -n shop", {"scale": {"replicas": 5}}),
        ("docker-compose up -d --scale gateway=3", {"scale": {"replicas": 3}}),
        ("docker update --memory 512m --cpus 1.5 gateway", {"set_limits": {"memory": "512MiB", "cpus": 1.5}}),
        ('docker update --cpuset-cpus="0-3" gateway', {"set_limits": {"cpu_set": "0-3"}}),
        (
            "kubectl set resources deployment gateway --limits=memory=2Gi,cpu=500m",
            {"set_limits": {"memory": "2GiB", "cpus": 0.5}},
        ),
        ("kubectl set env deployment/gateway CACHE=10 -n shop", {"set_env": {"CACHE": "10"}}),
        ("kubectl delete pod -l app=gateway", {"delete_pod": {"which": "all"}}),
        (
            "kubectl autoscale deployment gateway --min=2 --max=4 --cpu-percent=70",
            {"autoscale": {"min": 2, "max": 4, "cpu": "70%"}},
        ),
        ("curl -X POST @{url}/admin/gc", {"http": {"method": "POST", "path": "/admin/gc"}}),
        (
            "curl @{url}/admin/config -d '{\"rate\": 5}' -H 'Content-Type: application/json'",
            {"http": {"method": "POST", "path": "/admin/config", "body": {"rate": 5}}},
        ),
    ],
)
def test_a_command_that_we_have_a_step_for_is_that_step(line, do):
    words = simple_words(line)
    assert words is not None
    step = as_step(words, KNOWN)
    assert step is not None
    assert step.do == do


@pytest.mark.parametrize(
    "line", ["curl @{url}/health", "curl -X POST @{url}[/x", "ls -l", "docker stats gateway", "docker-compose up -d"]
)
def test_other_commands_are_none(line):
    words = simple_words(line)
    assert words is not None
    assert as_step(words, KNOWN) is None


@pytest.mark.parametrize(
    "line",
    ["docker-compose restart redis", "kubectl scale deployment/web --replicas=2", "docker update -m 1g db"],
)
def test_a_step_for_another_service_is_not_done_to_the_target(line):
    words = simple_words(line)
    assert words is not None
    with pytest.raises(NotOurs, match="not the drill's target"):
        as_step(words, KNOWN)


@pytest.mark.parametrize(
    "line", ["a | b", "a && b", "a; b", "a > f", "a $(b)", "echo $POD", "a `b`", "a 'unclosed", "a & "]
)
def test_what_needs_a_shell_is_no_simple_command(line):
    assert simple_words(line) is None


def test_words_in_quotes_may_hold_anything():
    assert simple_words('curl -d \'{"a": "$(b) | c"}\' x') == ["curl", "-d", '{"a": "$(b) | c"}', "x"]
    assert without_comment("curl 'http://a/#b'  # as before") == "curl 'http://a/#b'"


@pytest.mark.parametrize(
    ("line", "inside"),
    [
        ("docker exec gateway ps aux | head -20", "ps aux | head -20"),
        ("docker exec -it -u root gateway sh -c 'ls'", "sh -c 'ls'"),
        ("docker-compose exec -T gateway \\\n  find /tmp -type f", "find /tmp -type f"),
        ("kubectl exec -it deployment/gateway -n shop -- \\\n  curl localhost:8000/x", "curl localhost:8000/x"),
        ("kubectl exec -n shop gateway -c main -- which py-spy", "which py-spy"),
        ("watch -n 2 'docker stats gateway --no-stream'", "docker stats gateway --no-stream"),
        ("ps aux", "ps aux"),
    ],
)
def test_a_command_that_runs_in_the_target_is_that_command_alone(line, inside):
    assert entered(line, {"gateway"}) == inside


def test_a_command_in_another_container_is_not_run_in_the_target():
    with pytest.raises(OtherPlace, match="redis"):
        entered("kubectl exec -it deployment/redis -n shop -- redis-cli FLUSHDB", {"gateway"})


def test_a_shell_for_a_person_is_known_and_what_looks_from_outside_too():
    assert opens_shell(entered("kubectl exec -it gateway -n shop -- /bin/bash", {"gateway"}))
    assert not opens_shell("bash -c 'ls'")
    assert looks_from_outside("docker stats gateway | grep MEM") == "docker"
    assert looks_from_outside("ps aux | grep docker") is None


def test_a_look_runs_where_it_looks_from():
    name, action = only(planned("docker stats gateway --no-stream"))
    assert (name, action.shell, action.on_machine) == ("command", "docker stats @{container} --no-stream", True)
    name, action = only(planned("docker exec gateway ps aux --sort=-%mem | head"))
    assert (name, action.shell, action.on_machine) == ("command", "ps aux --sort=-%mem | head", False)
    _, action = only(planned("curl -s http://localhost:8000/health"))
    assert (action.shell, action.on_machine) == ("curl -s @{url}/health", True)
    _, action = only(planned("curl -s http://localhost:8000/health", platform="process"))
    assert not action.on_machine


@pytest.mark.parametrize(
    ("line", "platform", "why"),
    [
        ("docker stats gateway --no-stream", "process", "has nothing to look at"),
        ("kubectl top pods", "docker", "has nothing to look at"),
        ("docker-compose restart redis", "docker", "not the drill's target"),
        ("docker system prune -f", "docker", "would change more than the target"),
        ("rm -rf /tmp/cache/*", "process", "would change this machine"),
        ("curl -s https://example.com/status", "docker", "talks to https://example.com"),
        ("kubectl exec -it gateway -- /bin/bash", "kubernetes", "opens a shell"),
        ("aws ec2 describe-instances", "process", "aws asks something that is not the drill's, with your credentials"),
        ("true && gcloud compute instances list | head", "docker", "gcloud asks something"),
        ("sleep 30m", "process", "it waits for 30 min, and a rehearsal for 1 min at most; bind it"),
    ],
)
def test_what_does_not_run_says_why(line, platform, why):
    plan = planned(line, platform=platform)
    assert plan.steps == []
    assert why in plan.left_out[0].why


@pytest.mark.parametrize(
    ("line", "longer_s"), [("sleep 12", 12), ("true; sleep 0.5m && sleep 2", 32), ("echo sleep 9", 0)]
)
def test_a_command_that_waits_has_the_time_for_it(line, longer_s):
    (waits,) = planned(line, platform="process").steps
    (plain,) = planned("true", platform="process").steps
    assert waits.step.timeout - plain.step.timeout == longer_s


def test_what_is_lost_inside_the_target_is_lost_only_there():
    name, action = only(planned("docker exec gateway rm -rf /tmp/cache/*"))
    assert (name, action.shell, action.on_machine) == ("command", "rm -rf /tmp/cache/*", False)


def test_what_is_not_known_never_runs():
    read = runbook("```\nfrobnicate --all\n```", kinds={"frobnicate --all": FragmentKind.UNKNOWN})
    plan = make_plan(read, Bindings(), ways(read)[0], platform="docker")
    assert (plan.steps, "is not known" in plan.left_out[0].why) == ([], True)


def test_placeholders_need_a_value():
    assert planned("docker exec gateway kill -9 <pid>").unbound[0].text == "<pid>"
    _, action = only(planned("docker exec gateway kill -9 <pid>", placeholders={"pid": "@{pid}"}))
    assert action.shell == "kill -9 @{pid}"


def test_a_binding_says_what_a_command_is():
    clear = {"text": "docker exec  gateway redis-cli FLUSHDB", "do": {"http": {"path": "/admin/clear-cache"}}}
    assert only(planned("docker exec gateway redis-cli FLUSHDB", steps=[clear]))[0] == "http"
    skip = {"line": 4, "skip": "nobody is paged in a drill"}
    assert planned("page-somebody", steps=[skip]).left_out[0].why == "nobody is paged in a drill"
    run = {"line": 4, "run": "true", "stays": "it is harmless"}
    (step,) = planned("rm -rf /tmp/x", platform="process", steps=[run]).steps
    assert (step.step.command.shell, step.rehearsed.stays) == ("true", "it is harmless")


def test_a_later_change_of_the_same_thing_takes_the_earlier_one_back():
    first, back = planned("docker-compose up -d --scale gateway=3\ndocker-compose up -d --scale gateway=1").steps
    assert (first.rehearsed.undo is not None, back.rehearsed.undo) == (True, None)
    assert back.rehearsed.takes_back == first.rehearsed.name
    assert back.step.seen.effect == "nothing"


def test_a_setting_of_the_service_must_be_taken_back_and_a_single_act_not():
    (step,) = planned("curl -X POST http://localhost:8000/admin/config -d '{\"rate\": 5}'").steps
    assert step.rehearsed.undo == "set rate to what it was"
    (step,) = planned("curl -X POST http://localhost:8000/admin/clear-cache").steps
    assert step.rehearsed.undo is None


def test_a_line_that_sets_a_variable_keeps_it_for_the_lines_after_it():
    first, then = planned("BEFORE=$(docker stats gateway --no-stream)\necho $BEFORE").steps
    assert (first.step.command.keeps, then.step.command.keeps) == ("BEFORE", None)


def test_kubectl_looks_at_the_drills_namespace_and_nowhere_else():
    _, action = only(planned("kubectl logs -n shop gateway --tail=50 | grep -i oom", platform="kubernetes"))
    assert action.shell == "kubectl --context @{context} -n @{namespace} logs @{pod} --tail=50 | grep -i oom"


def test_a_request_to_the_service_may_be_saved_here_and_nothing_else_be_changed():
    saved = {"curl -s http://localhost:8000/profile > profile.bin": FragmentKind.CHANGE}
    read = runbook("```\n" + "\n".join(saved) + "\n```", kinds=saved)
    (step,) = make_plan(read, Bindings.model_validate(BINDINGS), ways(read)[0], platform="docker").steps
    assert step.step.command.on_machine
    line = "curl -s http://localhost:8000/profile > /etc/profile"
    read = runbook(f"```\n{line}\n```", kinds={line: FragmentKind.CHANGE})
    plan = make_plan(read, Bindings.model_validate(BINDINGS), ways(read)[0], platform="docker")
    assert "would change this machine" in plan.left_out[0].why


def test_a_command_in_a_sentence_is_not_carried_out():
    read = runbook("```\ndocker restart gateway\n```")
    spoken = replace(read, fragments=(replace(read.fragments[0], place=Place.INLINE),))
    plan = make_plan(spoken, Bindings.model_validate(BINDINGS), ways(spoken)[0], platform="docker")
    assert "stands in a sentence" in plan.left_out[0].why


def test_a_step_that_cannot_be_is_left_out_with_the_reason():
    plan = planned("kubectl scale deployment/gateway --replicas=0", platform="kubernetes")
    assert "it cannot be the step scale" in plan.left_out[0].why


OPTIONS = """# Memory
## 1. Look
```
ps aux
```
## 2. Relieve
### Option A: restart
```
docker restart gateway
```
### Option B: scale
```
docker-compose up -d --scale gateway=3
```
"""


def test_each_option_is_a_way_of_its_own_through_the_runbook():
    read = runbook(OPTIONS)
    bindings = Bindings.model_validate(BINDINGS)
    by_option = {way.option: make_plan(read, bindings, way, platform="docker") for way in ways(read)}
    assert {option: [step.step.action_name for step in plan.steps] for option, plan in by_option.items()} == {
        "Option A: restart": ["command", "restart"],
        "Option B: scale": ["command", "scale"],
    }


def test_a_runbook_without_options_has_one_way():
    assert [way.option for way in ways(runbook("# Memory\n```\nps aux\n```"))] == [""]


@pytest.mark.parametrize(
    ("text", "bound"),
    [
        ("Memory should be <75%", (False, 75, "%")),
        ("look for more than 1.5 GiB", (True, 1.5 * 2**30, "bytes")),
        ("slow (>1s indicates strain)", (True, 1, "s")),
        ("expected: below 100ms", (False, 0.1, "s")),
        ("over 300 sessions", (True, 300, "")),
    ],
)
def test_a_number_to_look_for_is_found_in_the_text(text, bound):
    (sought,) = told_in(text)
    assert (sought.above, sought.bound, sought.unit) == bound


def test_a_comment_speaks_of_the_command_below_it_and_what_follows_of_the_one_above():
    read = runbook("```\n# above 70 %\nps aux\ncurl x\n# Expected: <1s\n\n# above 5 %\ndf -h\n```\nUsually 20 %.")
    ps, curl, df = read.fragments
    found = [(s.bound, s.unit) if (s := sought_by(read, fragment)) else None for fragment in (ps, curl, df)]
    assert found == [(70, "%"), (1, "s"), (5, "%")]


def test_prose_between_two_blocks_speaks_of_neither_for_certain():
    read = runbook(
        "# A\n```\nps aux\n```\nAbove 75 % is bad.\n```\ndf -h\n```\nIt is below 80 % then.\n# B\n```\ntop\n```"
    )
    ps, df, top = read.fragments
    assert sought_by(read, ps) is None
    found = sought_by(read, df)
    assert (found is not None and found.bound, sought_by(read, top)) == (80, None)


def test_several_numbers_are_none():
    read = runbook("```\ndocker stats\n```\nCPU should be below 70 %, memory below 75 %.")
    assert sought_by(read, read.fragments[0]) is None


@pytest.mark.parametrize(
    ("output", "unit", "numbers"),
    [
        ("gw 0.5% 1.8GiB / 2GiB 90%", "%", [0.5, 90]),
        ("gw 1.5GiB", "bytes", [1.5 * 2**30]),
        ("real 0m0.5s\ntook 20ms", "s", [0.02]),
        ("PID %MEM\n12 4.5\n13 0.1", "%", [4.5, 0.1]),
        ('{"status":"success","data":{"result":[{"value":[1700000000.1,"87.5"]}]}}', "%", [87.5]),
        ('{"status":"success","data":{"resu', "", []),
        ("17", "", [17]),
    ],
)
def test_the_numbers_of_an_output_are_told_by_their_unit(output, unit, numbers):
    assert shown_numbers(output, unit) == numbers


def test_no_number_of_the_unit_shows_nothing():
    (sought,) = told_in("above 75%")
    assert [shows(sought, text) for text in ("80%", "20%", "80 MiB")] == [True, False, None]


def test_the_alert_that_a_text_names_is_found_by_its_name_or_its_words():
    read = runbook('Alert: "High Memory Usage". See also HighCPUUsage.')
    assert named_alerts(read, ["HighCPUUsage", "HighMemoryUsage", "HighDiskUsage"]) == [
        "HighMemoryUsage",
        "HighCPUUsage",
    ]


def test_a_mistake_in_bindings_is_told_with_file_and_line(tmp_path):
    path = tmp_path / "memory.bind.yaml"
    path.write_text("target: [gateway]\nsteps:\n  - {line: 4, do: {explode: {}}}\n")
    with pytest.raises(BadInput, match=r"memory\.bind\.yaml:3: .*explode is no action"):
        BoundFile(path)
    path.write_text("targets: [gateway]\n")
    with pytest.raises(BadInput, match='did you mean "target"'):
        BoundFile(path)
    path.write_text("")
    assert BoundFile(path).bindings == Bindings()
