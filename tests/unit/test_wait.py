"""Waiting goes on while there is nothing yet, and ends with what was waited for."""

from __future__ import annotations

import pytest

from leakdrill.wait import TimedOut, wait_for


@pytest.mark.parametrize("nothing", [None, False, [], "", 0, {}])
def test_nothing_yet_is_waited_through(nothing):
    answers = iter([nothing, nothing, "here"])
    assert wait_for(lambda: next(answers), what="it", timeout_s=60, every_s=0) == "here"


def test_the_end_of_the_time_names_what_was_waited_for():
    with pytest.raises(TimedOut, match=r"the moon did not happen within 0 s \(1 try\)"):
        wait_for(list, what="the moon", timeout_s=0)
