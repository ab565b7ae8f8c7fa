"""`leakdrill init` writes a scenario that is valid as it is."""

import pytest

from leakdrill.errors import BadInput
from leakdrill.first_scenario import write_first_scenario
from leakdrill.scenario.reader import read_scenario


def test_it_writes_a_scenario_that_can_be_read(tmp_path):
    paths = write_first_scenario(tmp_path / "My Cart", command="python 'my app.py' --port {port}", health="/up")
    assert [path.name for path in paths] == ["scenario.yaml", "rules.yaml", "locustfile.py"]
    scenario = read_scenario(paths[0])
    assert scenario.name == "my-cart"
    assert scenario.target.command == ["python", "my app.py", "--port", "{port}"]
    assert scenario.target.ready.path == "/up"


def test_it_overwrites_nothing(tmp_path):
    (tmp_path / "rules.yaml").write_text("mine")
    with pytest.raises(BadInput, match=r"rules.yaml: exists already"):
        write_first_scenario(tmp_path, command="x", health="/")
    assert (tmp_path / "rules.yaml").read_text() == "mine"
    assert not (tmp_path / "scenario.yaml").exists()


@pytest.mark.parametrize("command", ["", "  ", "python 'app"])
def test_a_command_that_is_none_is_refused(tmp_path, command):
    with pytest.raises(BadInput, match="--command"):
        write_first_scenario(tmp_path / "cart", command=command, health="/")
    assert not (tmp_path / "cart").exists()
