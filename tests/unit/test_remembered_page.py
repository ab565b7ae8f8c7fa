"""A metrics page gives the same samples whether it is parsed or known from the pages before."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leakdrill.meters.remembered_page import RememberedPage
from leakdrill.meters.service import MOST_SAMPLES, parse_exposition

PAGE = """# HELP requests_total Requests.
# TYPE requests_total counter
requests_total{{path="/a b",status="200"}} {0}
requests_total{{path="/c",status="200"}} {1}
requests_created{{path="/c"}} 17.5

# TYPE duration histogram
duration_bucket{{le="1"}} 5
duration_sum {2}
duration_count {1}
temperature {3}
"""


class Counted:
    """The parser, and how often it was asked."""

    def __init__(self) -> None:
        self.times = 0

    def parse(self, text: str) -> dict[str, float]:
        self.times += 1
        return parse_exposition(text)


def test_the_third_page_of_the_same_form_is_not_parsed() -> None:
    counted = Counted()
    page = RememberedPage(counted.parse)
    for round_ in range(5):
        text = PAGE.format(round_, round_ + 1, round_ / 7, "-2e-3")
        assert page.samples(text) == parse_exposition(text)
        assert list(page.samples(text)) == list(parse_exposition(text))
    assert counted.times == 3, "the first page, the second, and the one that tells their lines apart"


@pytest.mark.parametrize(
    "second",
    [
        PAGE.format(1, 2, 3, 4) + "new 5\n",
        PAGE.format(1, 2, 3, 4).replace("/c", "/d"),
        PAGE.format(1, 2, 3, 4).replace("temperature", "humidity"),
        PAGE.format(1, 2, 3, 4).replace("temperature 4\n", ""),
        PAGE.format(1, 2, 3, "4 1700000000000"),
    ],
    ids=["a line more", "another label", "another name", "a line less", "a time"],
)
def test_another_form_is_parsed(second: str) -> None:
    page = RememberedPage(parse_exposition)
    for _ in range(3):
        page.samples(PAGE.format(1, 2, 3, 4))
    assert page.samples(second) == parse_exposition(second)
    assert page.samples(PAGE.format(5, 6, 7, 8)) == parse_exposition(PAGE.format(5, 6, 7, 8))


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ("a 5 1700000000000\n", "a 5 1700000001000\n"),
        ("a 0 0\n", "a 0 5\n"),
        ("a 1\na 2\n", "a 3\na 4\n"),
        ("a\t5\n", "a\t6\n"),
        (' a{x="# 1"} 5\n', ' a{x="# 1"} 6\n'),
        ('a{x="1"} 5\n', 'a{x="2"} 5\n'),
        ("a +Inf\nb NaN\n", "a -Inf\nb 2\n"),
        ('# TYPE a counter\na 5 # {t="x"} 1\n', '# TYPE a counter\na 5 # {t="x"} 2\n'),
    ],
)
def test_pages_of_any_form_are_read_as_the_parser_reads_them(first: str, then: str) -> None:
    page = RememberedPage(parse_exposition)
    for text in (first, first, first, then, then, then, first):
        try:
            expected = parse_exposition(text)
        except ValueError:
            with pytest.raises(ValueError, match="not Prometheus' text format"):
                page.samples(text)
        else:
            assert repr(page.samples(text)) == repr(expected)


def test_what_is_not_the_format_stays_an_error() -> None:
    page = RememberedPage(parse_exposition)
    for text in ("a 1\n", "a 2\n", "a 3\n", "a 1_0\n", "a b\n", "<html> hello\n"):
        if text[-2] in "123":
            page.samples(text)
        else:
            with pytest.raises(ValueError, match="not Prometheus' text format"):
                page.samples(text)


def test_of_a_long_page_the_first_samples_are_kept() -> None:
    page = RememberedPage(parse_exposition)
    for round_ in range(4):
        text = "".join(f'a{{n="{n}"}} {n * round_}\n' for n in range(MOST_SAMPLES + 50))
        assert page.samples(text) == parse_exposition(text)


NUMBERS = st.one_of(
    st.integers(-(10**30), 10**30).map(str),
    st.floats().map(str),
    st.sampled_from(["NaN", "+Inf", "-Inf", "1e400", "1_0", "0x1", "", "7340033.5", "7340034.5"]),
)
LINES = st.sampled_from(["a", "b_total", 'c{x="1 2"}', 'c{x="# 3"}', "# TYPE b counter", "", 'd_bucket{le="1"}', "e 5"])


@given(st.lists(LINES, max_size=6), st.lists(st.lists(NUMBERS, min_size=6, max_size=6), min_size=3, max_size=5))
def test_pages_and_the_parser_agree_whatever_the_values_are(forms: list[str], rounds: list[list[str]]) -> None:
    page = RememberedPage(parse_exposition)
    for numbers in rounds:
        lines = [form if form[:1] in ("#", "") else f"{form} {n}" for form, n in zip(forms, numbers, strict=False)]
        text = "\n".join(lines)
        try:
            expected = repr(parse_exposition(text))
        except ValueError:
            with pytest.raises(ValueError, match="not Prometheus' text format"):
                page.samples(text)
        else:
            assert repr(page.samples(text)) == expected
