"""Whose memory of a device it is: only what can be told is told."""

from __future__ import annotations

from leakdrill.meters.gpu_processes import split


def test_the_targets_processes_are_told_from_others() -> None:
    shares = split({10: 300.0, 11: 200.0, 12: 50.0}, {10, 11}, visible={10, 11, 12}, all_visible=True)
    assert (shares.own, shares.others, shares.foreign) == (500, 50, (12,))


def test_a_target_that_holds_nothing_holds_nothing() -> None:
    assert split({12: 50.0}, {10}, visible={12}, all_visible=True).own == 0


def test_nothing_is_attributed_where_the_driver_lists_nobody() -> None:
    shares = split(None, {10}, visible=(), all_visible=True)
    assert (shares.own, shares.others) == (None, None)
    assert shares.fields(100.0) == {}


def test_numbers_of_another_namespace_are_not_taken_for_ours() -> None:
    """Process 10 of the machine may be another tenant's, and 10 here the target."""
    shares = split({10: 300.0, 99: 50.0}, {10}, visible={10}, all_visible=False)
    assert (shares.own, shares.others, shares.by_pid) == (None, None, {})


def test_a_process_that_ended_meanwhile_is_another_where_all_can_be_seen() -> None:
    assert split({10: 300.0, 99: 50.0}, {10}, visible={10}, all_visible=True).others == 50


def test_what_the_driver_does_not_tell_of_one_leaves_only_its_own_side_open() -> None:
    shares = split({10: None, 12: 50.0}, {10}, visible={10, 12}, all_visible=True)
    assert (shares.own, shares.others) == (None, 50)
    assert shares.fields(100.0) == {"others_bytes": 50, "pid12_bytes": 50}


def test_memory_that_no_listed_process_holds_is_elsewhere() -> None:
    shares = split({10: 300.0, 12: 50.0}, {10}, visible={10, 12}, all_visible=True)
    assert shares.fields(400.0)["elsewhere_bytes"] == 50
