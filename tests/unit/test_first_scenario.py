"""`leakdrill init` writes a scenario that is valid as it is."""

import pytest

from leakdrill.errors import BadInput
from leakdrill.first_scenario import Service, write_first_scenario
from leakdrill.runs.placement import placed
from leakdrill.scenario.reader import read_scenario


def test_it_writes_a_scenario_that_can_be_read(tmp_path):
    service = Service(command="python 'my app.py' --port {port}", health="/up")
    paths = write_first_scenario(tmp_path / "My Cart", service, tried=False).paths
    assert [path.name for path in paths] == ["scenario.yaml", "rules.yaml", "locustfile.py"]
    scenario = read_scenario(paths[0])
    assert scenario.name == "my-cart"
    assert scenario.target.command == ["python", "my app.py", "--port", "{port}"]
    assert scenario.target.ready.path == "/up"


def test_it_overwrites_nothing(tmp_path):
    (tmp_path / "rules.yaml").write_text("mine")
    with pytest.raises(BadInput, match=r"rules.yaml: exists already"):
        write_first_scenario(tmp_path, Service(command="x"), tried=False)
    assert (tmp_path / "rules.yaml").read_text() == "mine"
    assert not (tmp_path / "scenario.yaml").exists()


@pytest.mark.parametrize("command", ["", "  ", "python 'app", None])
def test_a_command_that_is_none_is_refused(tmp_path, command):
    with pytest.raises(BadInput, match="--command"):
        write_first_scenario(tmp_path / "cart", Service(command=command))
    assert not (tmp_path / "cart").exists()


@pytest.mark.parametrize(("word", "cwd"), [("app.py", True), ("../app.py", False), ("nowhere.py", True)])
def test_a_command_runs_where_it_was_typed_unless_its_file_is_seen_from_the_new_folder(
    tmp_path, monkeypatch, word, cwd
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "app.py").touch()
    service = Service(command=f"python {word} {{port}}")
    (path, *_) = write_first_scenario(tmp_path / "cart", service, tried=False).paths
    assert (read_scenario(path).target.cwd is not None) == cwd


def test_an_image_is_drilled_on_docker_and_needs_no_command(tmp_path):
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "Dockerfile").touch()
    service = Service(build=tmp_path / "shop", port=80)
    target = read_scenario(write_first_scenario(tmp_path / "cart", service).paths[0]).target
    assert (target.kind, target.container.image, target.container.port) == ("docker", "cart:drill", 80)


def test_an_image_cannot_run_as_a_process(tmp_path):
    written = write_first_scenario(tmp_path / "cart", Service(image="shop:1.2"))
    with pytest.raises(BadInput, match="has no command"):
        placed(read_scenario(written.paths[0]), "process")


@pytest.mark.parametrize(("program", "level"), [("/usr/bin/node", 0.5), ("python3", 0.1)])
def test_a_runtime_that_collects_late_is_given_more_room(tmp_path, program, level):
    service = Service(command=f"{program} app {{port}}")
    scenario = read_scenario(write_first_scenario(tmp_path / "cart", service, tried=False).paths[0])
    assert (scenario.expect.memory.level, scenario.phases.warmup) == (level, 30 if level > 0.1 else 10)


def test_a_health_path_begins_with_a_slash(tmp_path):
    with pytest.raises(BadInput, match="--health"):
        write_first_scenario(tmp_path / "cart", Service(command="x", health="up"), tried=False)
