"""The catalogue: every scenario in it can be read, and is found by its name."""

import pytest

from leakdrill.errors import BadInput
from leakdrill.runs.catalogue.catalogue import catalogue, find_scenario
from leakdrill.scenario.reader import read_scenario


@pytest.mark.parametrize("entry", catalogue(), ids=lambda entry: entry.name)
def test_every_scenario_is_valid_named_as_its_file_and_says_what_it_rehearses(entry):
    scenario = read_scenario(entry.path)
    assert find_scenario(scenario.name) == entry.path
    assert scenario.summary
    assert scenario.rehearses


def test_a_file_wins_over_a_name(tmp_path):
    path = tmp_path / "own.yaml"
    path.touch()
    assert find_scenario(str(path)) == path


def test_a_name_that_nearly_is_one_gets_the_right_one():
    with pytest.raises(BadInput, match="did you mean gateway/unbounded-cache"):
        find_scenario("gateway/unbouned-cache")
