"""Spoilt drills, live: a thinned set of `make surroundings` and of `make sabotage-live`."""

import pytest
from live_drills import LIVE
from run_spoilt_drills import play_all
from surroundings import SURROUNDINGS

pytestmark = [pytest.mark.e2e, pytest.mark.long, pytest.mark.timeout(1200)]


@pytest.mark.parametrize("cases", [SURROUNDINGS, LIVE], ids=["surroundings that fail", "sabotaged drills"])
def test_no_spoilt_drill_passes(cases, tmp_path):
    results = play_all([case for case in cases if case.in_ci], tmp_path)
    assert {result.case.name: result.problems for result in results if result.problems} == {}


def test_each_case_is_named_once():
    names = [case.name for case in (*SURROUNDINGS, *LIVE)]
    assert sorted(set(names)) == sorted(names)
