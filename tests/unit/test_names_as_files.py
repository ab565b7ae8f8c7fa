"""No name that somebody else chose leads out of the folder in which it becomes the name of a file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from histories import plan
from pydantic import ValidationError

from leakdrill.alerting.rules import read_rules
from leakdrill.errors import BadInput
from leakdrill.judging.watch.run_files import run_name
from leakdrill.machine.http_access import ANYONE
from leakdrill.record.store import create_run
from leakdrill.runs.catalogue.matrix_plan import read_matrix
from leakdrill.scenario.kubernetes import ExistingWorkload
from leakdrill.scenario.steps import Step
from leakdrill.steps.step import StepFailed, carry_out, folder_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from leakdrill.meters.meter import Meter

NAMES = (
    "..", ".", "...", "/", "//", "../x", "../../../tmp/x", "/etc/passwd", "a/../..", "a/..", "a/", "a/.", ".hidden",
    "-rf", "~", "$HOME", "a\nb", "a b", "x" * 300, "é" * 200, "\u202e", "C:\\x", "*", "[a]", "%2e%2e%2f",
)  # fmt: skip


class Target:
    """A target that has every file."""

    access = ANYONE
    part_types: Sequence[type] = ()
    parts: Sequence[object] = ()
    name, base_url, token = "shop", "http://127.0.0.1:9", ""
    labels: Mapping[str, str] = {}

    def start(self) -> None: ...
    def stop(self) -> None: ...

    def meters(self) -> Sequence[Meter]:
        return ()

    def notices(self) -> Sequence[str]:
        return ()

    def copy(self, path: str, to: Path, *, timeout_s: float) -> None:  # noqa: ARG002 - a target's signature
        to.write_text("content")


def below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize("name", NAMES)
def test_a_copied_file_and_its_step_stay_in_the_run_folder(name: str, tmp_path: Path) -> None:
    for number, (step_name, path) in enumerate(((name, "a.log"), ("a step", name))):
        run = tmp_path / "around" / str(number) / "run"
        step = Step.model_validate({"name": step_name, "copy_out": {"path": path}})
        carry_out(step, Target(), run_dir=run)
        (copy,) = below(run)
        assert copy.resolve().parent.parent == (run / "steps").resolve()
        assert not copy.name.startswith(".")
        assert len(below(tmp_path)) == len(below(tmp_path / "around"))


def test_no_two_steps_share_a_folder() -> None:
    more = ("a-b", "a b", "a_b", "A b", "a  b", "a b ", "a.b", "a/b", "ä b", "a b\n", "x" * 299, "x" * 101, "\ud800")
    names = {*NAMES, *more}
    folders = [folder_name(name) for name in names]
    assert len(set(folders)) == len(names)
    assert all(re.fullmatch(r"[a-z0-9][a-z0-9-]{0,109}", folder) for folder in folders)
    assert folder_name("clear the log") == "clear-the-log"


@pytest.mark.parametrize("path", ["/..", "/../x", "/a/..", "/a/.?b=../../c", "/", "/%2e%2e/%2e%2e", "/" + "x" * 300])
def test_a_fetched_answer_is_written_below_the_step_or_nowhere(path: str, tmp_path: Path) -> None:
    step = Step.model_validate({"name": "..", "copy_out": {"http": path}})
    with pytest.raises(StepFailed):  # nobody answers there
        carry_out(step, Target(), run_dir=tmp_path / "run")
    assert [found.parent for found in below(tmp_path)] == [tmp_path / "run" / "steps" / folder_name("..")]


@pytest.mark.parametrize("name", [*NAMES, "a//b", "/a", "A", "a\n"])
def test_a_scenario_of_such_a_name_is_refused(name: str) -> None:
    for wrong in (f"a/{name}.", f"{name}/..", *([name] if name != "x" * 300 else [])):
        with pytest.raises(ValidationError):
            plan(name=wrong)


@pytest.mark.parametrize("name", ["..", "a/../../kube-system", "shop?x", "shop/scale", "a b", "", "shop\n", "%2e%2e"])
def test_a_name_that_would_lead_to_another_object_of_the_cluster_is_refused(name: str) -> None:
    for key in ("namespace", "deployment"):
        names = {"context": "kind", "namespace": "shop", "deployment": "shop", key: name}
        with pytest.raises(ValidationError, match=key):
            ExistingWorkload.model_validate(names)


def test_a_run_folder_lies_below_the_folder_of_runs(tmp_path: Path) -> None:
    assert create_run(tmp_path / "runs", "a/b/c").path.parent == (tmp_path / "runs" / "a-b-c").resolve()
    with pytest.raises(BadInput, match="cannot make the run folder"):
        create_run(tmp_path / "runs", "x" * 300)


def test_no_run_is_made_behind_a_link_where_clean_would_not_find_it(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "runs").symlink_to(tmp_path / "elsewhere")
    assert create_run(tmp_path / "runs", "a").path.is_relative_to(tmp_path / "elsewhere")
    (tmp_path / "runs" / "b").symlink_to(tmp_path / "elsewhere" / "a")
    with pytest.raises(BadInput, match=r"runs/b|elsewhere/b: is a symbolic link, behind which `leakdrill clean` finds"):
        create_run(tmp_path / "runs", "b")


@pytest.mark.parametrize("name", NAMES)
def test_the_folder_of_a_watched_command_is_one_short_word(name: str) -> None:
    word = run_name((name, "python", name))
    assert "/" not in word
    assert word.startswith("watch-")
    assert len(word.encode()) < 100


@pytest.mark.parametrize("name", ["*.yml", "[a].yml", "x" * 250 + ".yml", "é" * 120 + ".yml", "-r.yml", "{a,b}.yml"])
def test_a_rules_file_of_an_odd_name_is_found_by_prometheus(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("groups: [{name: g, rules: [{alert: A, expr: up > 0}]}]\n")
    for scale in (1, 60):
        (written,) = read_rules([tmp_path / name]).write(tmp_path / f"out{scale}", scale).files
        assert list((tmp_path / f"out{scale}").glob(written.name)) == [written]


@pytest.mark.parametrize("word", ["../../x", "..", "/etc", "a/b"])
def test_a_cell_of_such_a_name_is_refused(word: str, tmp_path: Path) -> None:
    file = tmp_path / "m.yaml"
    file.write_text(f'steps: {{"{word}": {{gc: {{}}}}}}\nleaks: {{"{word}": {{"{word}": cured}}}}\n')
    with pytest.raises(BadInput):
        read_matrix(file)


@pytest.mark.parametrize("name", ["x" * 300, "é" * 200, "*" * 300, "no such"])
def test_rules_under_a_name_that_no_file_has_are_bad_input(name: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=str(tmp_path)):
        read_rules([tmp_path / name])


@pytest.mark.timeout(20)
@pytest.mark.parametrize("name", ["/", "/**/*.rules", "/*/*/*/*.rules"])
def test_a_folder_without_end_is_not_searched_for_rules(name: str) -> None:
    with pytest.raises(BadInput, match="holds more than 20,000 files; expected a folder of rules"):
        read_rules([Path(name)])
