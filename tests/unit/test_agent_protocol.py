"""What the agent answers and how the client adds it up, without a process or a socket."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from leakdrill.agent.client import AgentClient
from leakdrill.agent.diagnosis import interpreter_flags, why_absent
from leakdrill.agent.environment import AGENT_VARIABLE, INJECTED, agent_environment
from leakdrill.agent.inside import handler as inside
from leakdrill.agent.reading import AgentReading, AllocationSite, ProcessReading, TypeCounts, TypeGrowth
from leakdrill.errors import EnvironmentProblem

if TYPE_CHECKING:
    from pathlib import Path


def ask(question: str) -> dict:
    """What the agent's code says to a line."""
    reply = inside.respond(question.encode())
    assert reply.endswith(b"\n")
    assert reply.count(b"\n") == 1
    return json.loads(reply)


def test_a_question_is_answered_with_one_line_of_json():
    assert ask('{"ask": "ping"}')["answer"]["pid"] == os.getpid()


@pytest.mark.parametrize("question", ["", "no json", "[]", "{}", '{"ask": "run"}', '{"ask": "trim", "hard": true}'])
def test_a_question_that_makes_no_sense_gets_an_error_and_raises_nothing(question):
    assert ask(question).keys() == {"error"}


def test_a_quiet_point_collects_twice_and_reads():
    answer = ask('{"ask": "quiet"}')["answer"]
    assert len(answer["collected"]) == 2
    assert answer["gc_objects"] > 0
    assert answer["blocks"] > 0


def test_types_are_counted_under_their_full_names_even_when_the_class_hides_its_own():
    class Shy(type):
        def __getattribute__(cls, name):
            raise RuntimeError(name)

    class Hidden(metaclass=Shy):
        pass

    held = [Hidden() for _ in range(17)]
    counts = ask('{"ask": "types"}')["answer"]["counts"]
    [name] = [name for name in counts if name.endswith("Hidden")]
    assert counts[name] == len(held)
    assert name.startswith(__name__)


def test_strings_are_found_only_when_untracked_objects_are_asked_for():
    held = [f"text {number}" for number in range(1000)]
    assert "str" not in ask('{"ask": "types"}')["answer"]["counts"]
    objects = ask('{"ask": "types", "untracked": true, "sizes": true}')["answer"]
    assert objects["counts"]["str"] >= len(held)
    assert objects["sizes"]["str"] >= 50 * len(held)


def test_sizes_go_on_when_an_object_refuses_to_tell_its_own():
    class Refuses:
        def __sizeof__(self):
            raise ValueError

    held = [Refuses()]
    assert ask('{"ask": "types", "sizes": true}')["answer"]["sizes"]["list"] > 0
    assert held


def test_readings_are_added_up_over_processes():
    one = ProcessReading.from_response({"pid": 8, "blocks": 10, "threads": 1, "gc_objects": 5, "collected": [3, 0]})
    two = ProcessReading.from_response({"pid": 7, "blocks": 20, "threads": 4, "gc_objects": 6})
    total = AgentReading.of([one, two])
    assert (total.blocks, total.threads, total.gc_objects, total.pids) == (30, 5, 11, (7, 8))
    assert one.collected == (3, 0)
    assert total.as_values() == {"blocks": 30.0, "threads": 5.0, "gc_objects": 11.0}


def test_a_sum_is_unknown_when_one_process_cannot_tell_its_part():
    one = ProcessReading.from_response({"pid": 8, "blocks": 10})
    two = ProcessReading.from_response({"pid": 7, "blocks": None})
    assert AgentReading.of([one, two]).blocks is None


def test_the_growth_of_types_is_ordered_by_number():
    before = TypeCounts({"dict": 5, "list": 9}, 14, {})
    answers = ({"counts": counts, "total": 0, "sizes": None} for counts in ({"dict": 4}, {"app.Row": 40, "dict": 2}))
    after = TypeCounts.of(answers)
    assert after.since(before) == [TypeGrowth("app.Row", 40), TypeGrowth("dict", 1), TypeGrowth("list", -9)]


def test_allocation_sites_of_several_processes_are_merged():
    site = {"frames": ["app.py:3"], "size_diff_bytes": 100, "count_diff": 2, "size_bytes": 300}
    small = {**site, "frames": ["app.py:9"], "size_diff_bytes": 1}
    [only] = AllocationSite.merged([[site, small], [site]], top=1)
    assert only == AllocationSite(("app.py:3",), 200, 4, 600)


def test_the_environment_keeps_what_was_there_and_the_folder_is_private(tmp_path: Path):
    folder = tmp_path / "deep" / "agent"
    env = agent_environment(folder, {"PYTHONPATH": "/app", "HOME": "/root"})
    assert env["PYTHONPATH"] == f"{INJECTED}{os.pathsep}/app"
    assert (env["HOME"], env[AGENT_VARIABLE]) == ("/root", str(folder))
    assert folder.stat().st_mode & 0o777 == 0o700


def test_the_environment_leaves_no_empty_entry_which_would_be_the_working_folder(tmp_path: Path):
    assert agent_environment(tmp_path / "a", {})["PYTHONPATH"] == str(INJECTED)


def test_the_injected_folder_holds_nothing_that_an_import_could_find_by_mistake():
    assert {path.name for path in INJECTED.iterdir()} <= {"sitecustomize.py", "__pycache__"}


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(EnvironmentProblem, match=r"the agent's folder .*file/a cannot be made"):
        agent_environment(tmp_path / "file" / "a", {})


@pytest.mark.parametrize(
    ("line", "flags"),
    [
        ("python app.py -I", ""),
        ("python -I app.py", "I"),
        ("python -sE -B app.py", "sEB"),
        ("python -W error -S app.py", "S"),
        ("python -Werror -Xdev -I", "I"),
        ("python -m app -I", ""),
        ("python -uc pass -I", "u"),
        ("python -- -I", ""),
        ("python", ""),
    ],
)
def test_the_interpreter_s_own_flags_are_told_from_the_program_s(line, flags):
    assert interpreter_flags(line.split()) == flags


def test_nobody_there_is_reported_with_the_reason(tmp_path: Path):
    assert AgentClient(tmp_path).available() == (
        f"no agent answered: no Python process announced itself in {tmp_path} "
        "(not Python, or started with -I, -E or -S)"
    )
    assert AgentClient(tmp_path / "none").available() == f"no agent answered: there is no folder {tmp_path / 'none'}"


def test_what_a_process_noted_is_quoted(tmp_path: Path):
    (tmp_path / "12.why").write_text("the agent did not start: OSError(28)\n")
    assert why_absent(tmp_path) == ["pid 12: the agent did not start: OSError(28)"]


def test_a_question_to_nobody_is_an_error_with_a_hint(tmp_path: Path):
    with pytest.raises(EnvironmentProblem, match="no agent answered") as caught:
        AgentClient(tmp_path).quiet()
    assert "from outside" in caught.value.hint
