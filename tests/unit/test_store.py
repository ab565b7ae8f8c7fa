"""Where runs lie."""

import pytest

from leakdrill.errors import BadInput
from leakdrill.record.store import RunFolder, create_run, open_run, read_run_info, write_run_info
from leakdrill.scenario.scenario import Scenario

SCENARIO = Scenario.model_validate(
    {"name": "shop/cart", "target": {"name": "cart", "command": ["x"]}, "load": {"locustfile": "l.py"}}
)


def test_two_runs_in_one_second_have_folders_of_their_own_and_latest_is_the_newest(tmp_path):
    first, second = create_run(tmp_path, "shop/cart"), create_run(tmp_path, "shop/cart")
    assert first.path != second.path
    assert first.path.parent == tmp_path / "shop-cart"
    assert (tmp_path / "shop-cart" / "latest").resolve() == second.path.resolve()
    assert first.run_id != second.run_id


def test_runs_of_one_second_in_two_places_are_told_apart(tmp_path):
    ids = {RunFolder(tmp_path / place / "shop-cart" / "20260101T000000Z").run_id for place in ("here", "there")}
    assert len(ids) == 2


def test_a_run_is_found_by_its_folder_its_latest_and_its_scenario(tmp_path):
    folder = create_run(tmp_path, "shop/cart")
    folder.history.touch()
    for path in (folder.path, folder.path.parent / "latest", folder.path.parent):
        assert open_run(path).path == folder.path.resolve()


def test_what_is_no_run_is_refused(tmp_path):
    with pytest.raises(BadInput, match="is not a run folder"):
        open_run(tmp_path)


def test_run_json_is_read_back(tmp_path):
    folder = create_run(tmp_path, "shop/cart")
    info = write_run_info(folder, SCENARIO, tmp_path / "cart.yaml", {"prometheus": "2.42.0"})
    assert read_run_info(folder) == info
    assert info.versions["prometheus"] == "2.42.0"


def test_a_run_json_of_another_kind_is_refused(tmp_path):
    folder = create_run(tmp_path, "shop/cart")
    folder.run_json.write_text('{"run_id": 3}')
    with pytest.raises(BadInput, match=r"run.json: run_id"):
        read_run_info(folder)


def test_a_root_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(BadInput, match="cannot make the run folder"):
        create_run(tmp_path / "file", "shop/cart")
