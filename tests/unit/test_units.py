"""Quantities as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leakdrill import units


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30s", 30), ("5m", 300), ("1h30m", 5400), ("500ms", 0.5), ("1.5s", 1.5), ("2d", 172800), ("1w", 604800)],
)
def test_a_duration_is_read_in_seconds(text, seconds):
    assert units.parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["5 minuets", "5", 5, "", "m5", "-5s", None, True, "5m 30", "\u0665s", "1h" * 9])
def test_what_is_no_duration_is_refused_with_an_example(text):
    with pytest.raises(ValueError, match="not a duration; expected a number with a unit"):
        units.parse_duration(text)


@pytest.mark.parametrize(
    ("text", "size"), [("64KiB", 65536), ("256MiB", 2**28), ("5MB", 5_000_000), ("2GiB", 2**31), ("12B", 12)]
)
def test_a_size_is_read_in_bytes(text, size):
    assert units.parse_size(text) == size


@pytest.mark.parametrize("text", ["256MiBB", "256M", "256", 256, None])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(ValueError, match="not a size"):
        units.parse_size(text)


@pytest.mark.parametrize(
    ("parse", "unit", "what"),
    [
        (units.parse_size, "MiB", "size"),
        (units.parse_duration, "s", "duration"),
        (units.parse_rate, "/s", "rate"),
        (units.parse_share, "%", "percentage"),
    ],
)
def test_a_quantity_beyond_all_numbers_is_refused(parse, unit, what):
    with pytest.raises(ValueError, match=f"is larger than any {what}"):
        parse("9" * 400 + unit)


def test_a_size_that_no_record_can_hold_is_refused():
    assert units.parse_size("8000000TiB") == 8_000_000 * 2**40
    with pytest.raises(ValueError, match="is larger than any size"):
        units.parse_size("8388608TiB")


@given(st.floats(min_value=1e-9, max_value=3e9))
def test_a_quantity_is_read_again_as_it_was_written(number):
    assert units.parse_duration(f"{units.plain(number)}s") == number
    assert units.parse_rate(f"{units.plain(number)}/s") == number


@pytest.mark.parametrize("size", [1024**4, 3 * 10**12, 123456789123456])
def test_a_size_of_terabytes_is_read_again_as_it_was_written(size):
    assert units.parse_size(f"{units.plain(size)}B") == size


def test_rates_and_shares_carry_their_unit_too():
    assert units.parse_rate("600/m") == 10
    assert units.parse_share("0.5%") == 0.005
    with pytest.raises(ValueError, match="not a rate"):
        units.parse_rate("50")
    with pytest.raises(ValueError, match="not a percentage"):
        units.parse_share("0.1")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.45, "450 ms"), (4, "4 s"), (4.26, "4.3 s"), (41, "41 s"), (300, "5 min"), (5400, "1 h 30 min")],
)
def test_a_duration_is_shown_as_a_person_says_it(seconds, text):
    assert units.show_duration(seconds) == text


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 B"), (65536, "64 KiB"), (1_310_720, "1.25 MiB"), (-2048, "-2 KiB"), (2**40, "1024 GiB")]
)
def test_a_size_is_shown_in_binary_units(size, text):
    assert units.show_size(size) == text


@given(st.floats(min_value=1e-3, max_value=1e15))
def test_every_size_and_duration_can_be_shown(number):
    assert "e" not in units.show_size(number).split()[0]
    assert units.show_duration(number)


def test_a_message_shows_the_beginning_of_a_long_value():
    assert units.quoted("x" * 10**6) == f'"{"x" * 300}…"'
    assert len(units.quoted(["x"] * 10**6)) < 400


@pytest.mark.parametrize(
    ("seconds", "texts"),
    [
        ((10.2, 10.0), ["10.2 s", "10 s"]),
        ((12.3, 10.0), ["12 s", "10 s"]),
        ((10.0, 10.0), ["10 s", "10 s"]),
        ((0.5, 0.5004), ["500 ms", "500 ms"]),
        ((3601.0, 3600.0), ["3601 s", "3600 s"]),
    ],
)
def test_durations_of_one_sentence_are_told_apart(seconds: tuple[float, ...], texts: list[str]) -> None:
    assert units.show_durations(*seconds) == texts


@pytest.mark.parametrize(
    ("number", "noun", "plural", "text"),
    [
        (0, "reading", "", "0 readings"),
        (1, "reading", "", "1 reading"),
        (1.2, "request", "", "1 request"),
        (2, "reading", "", "2 readings"),
        (1, "try", "tries", "1 try"),
        (3, "request was", "requests were", "3 requests were"),
    ],
)
def test_one_is_no_plural(number: float, noun: str, plural: str, text: str) -> None:
    assert units.show_count(number, noun, plural) == text
