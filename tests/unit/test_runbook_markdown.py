"""A runbook's Markdown in parts: every block of code is found wherever people put it, with its line in the file."""

import contextlib
from pathlib import Path

import pytest

from leakdrill.errors import BadInput
from leakdrill.runbooks.fragment import Place
from leakdrill.runbooks.markdown import read_markdown
from leakdrill.runbooks.shell.lines import logical_lines, open_quote
from leakdrill.runbooks.source import read_source

HERE = Path("runbook.md")


def parts(text):
    return read_markdown(text, HERE)


def blocks(text):
    return [(block.line, block.text, block.language) for block in parts(text).blocks]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("```bash\nuptime\n```\n", (2, "uptime", "bash")),
        ("~~~ Shell {linenos=true}\nuptime\n~~~\n", (2, "uptime", "shell")),
        ("```{.console}\nuptime\n```\n", (2, "uptime", "console")),
        ("``` language-sh\nuptime\n```\n", (2, "uptime", "sh")),
        ("```\nuptime\n```\n", (2, "uptime", "")),
        ("text\n\n    uptime\n    date\n", (3, "uptime\ndate", "")),
        ("1. first\n\n   ```sh\n   uptime\n   ```\n", (4, "uptime", "sh")),
        ("- a\n  - b\n    ```sh\n    uptime\n      -p\n    ```\n", (4, "uptime\n  -p", "sh")),
        ("> note\n>\n> ```sh\n> uptime\n> ```\n", (4, "uptime", "sh")),
        ("> - x\n>   ```sh\n>   uptime\n>   ```\n", (3, "uptime", "sh")),
        ("<pre>\nuptime &amp;&amp; <b>date</b>\n</pre>\n", (2, "uptime && date", "")),
        ("<pre><code>uptime\n</code></pre>\n", (1, "uptime", "")),
        ("<details>\n<summary>how</summary>\n```sh\nuptime\n```\n</details>\n", (4, "uptime", "sh")),
        ("---\ntitle: x\n---\n\n```sh\nuptime\n```\n", (6, "uptime", "sh")),
        ("```sh\nuptime", (2, "uptime", "sh")),
    ],
)
def test_a_block_is_found_with_its_line_and_language(text, expected):
    assert blocks(text) == [expected]


def test_what_stands_in_a_comment_is_in_no_part_of_the_text():
    text = "<!-- draft:\n```sh\nuptime\n```\n-->\n\n```sh\ndate\n```\n\n<!-- never closed\n```sh\nuptime\n```\n"
    assert blocks(text) == [(8, "date", "sh")]


@pytest.mark.parametrize("opening", ["<!DOCTYPE", "<?x", "<div <", "<![CDATA[", "<div " + "<" * 3000 + "a>" * 3000])
def test_markup_that_is_no_tag_is_read_once(opening):
    assert parts(f"{opening}\n```sh\nuptime\n```\n").codes == []


def test_a_fence_that_nobody_closes_is_known_as_such():
    (block,) = parts("# A\n\n```sh\nuptime\n\n## B\n").blocks
    assert not block.closed
    assert all(block.closed for block in parts("```sh\nuptime\n```\n\n> ```\n> date\n> ```\n").blocks)


def test_a_block_knows_its_headings_and_the_prose_before_it():
    text = "# A\n\n## B\n\nTry this:\n\n```\nuptime\n```\n\n```\ndate\n```\n\n# C\n\n```\nw\n```\n"
    found = [(block.section, block.before) for block in parts(text).blocks]
    assert found == [(("A", "B"), "Try this:"), (("A", "B"), ""), (("C",), "")]


def test_inline_code_has_the_line_on_which_it_stands():
    text = "one `a b`\ntwo `c\nd` three `e`\n\n| x | `f` |\n|---|---|\n| `g h` | y |\n\n<code>i j</code>\n"
    found = [(code.line, code.text, code.place) for code in parts(text).codes]
    assert found == [
        (1, "a b", Place.INLINE),
        (2, "c d", Place.INLINE),
        (3, "e", Place.INLINE),
        (5, "f", Place.TABLE),
        (7, "g h", Place.TABLE),
        (9, "i j", Place.INLINE),
    ]


def test_code_that_is_the_text_of_a_link_is_known_as_such():
    found = parts("see [`check.sh`](scripts/check.sh) and `check.sh`\n")
    assert [code.is_link for code in found.codes] == [True, False]
    assert [(link.line, link.target, link.text) for link in found.links] == [(1, "scripts/check.sh", "check.sh")]


def test_prose_is_plain_text_and_a_row_of_a_table_is_one_paragraph():
    found = parts("**Alert**: `X` is\n*bad*\n\n- item\n\n| a | b |\n|---|---|\n| 1 | 2 |\n")
    assert [(one.line, one.text) for one in found.paragraphs] == [
        (1, "Alert: X is\nbad"),
        (4, "item"),
        (6, "a | b"),
        (8, "1 | 2"),
    ]


def test_lists_nested_without_bound_are_refused_with_their_line():
    with pytest.raises(BadInput, match=r"^runbook\.md:\d+: lists and quotes are nested more than 30 deep"):
        parts("\n".join("  " * depth + "- x" for depth in range(200)))


@pytest.mark.parametrize(
    "text", ["[a\n" * 9_000, "`a" * 8_000, "*a " * 5_000, "![" * 8_000, "> " * 5_000 + "x", "<" * 9_000, "| " * 9_000]
)
def test_text_that_was_made_to_keep_a_parser_busy_is_read_or_refused(text, tmp_path):
    (tmp_path / "runbook.md").write_text(text)
    with contextlib.suppress(BadInput):
        parts(read_source(tmp_path / "runbook.md"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"# A\n\x00\x01", r"runbook\.md:2: is binary"),
        (b"# A\n\n\xff\xfe", r"runbook\.md:3: is not UTF-8 text"),
        (b"x\n" * 2**20, r"runbook\.md: cannot be read: is larger than 1"),
        (b"# A\n" + b"x" * 70_000, r"runbook\.md:2: has 70,000 characters"),
        (b"- a\n" * 200_000, r"runbook\.md: has 200,000 lines; expected at most 10,000"),
    ],
)
def test_what_is_no_text_is_refused(tmp_path, content, message):
    (tmp_path / "runbook.md").write_bytes(content)
    with pytest.raises(BadInput, match=message):
        read_source(tmp_path / "runbook.md")


def test_line_ends_of_other_systems_and_a_mark_at_the_beginning_are_no_text(tmp_path):
    (tmp_path / "runbook.md").write_bytes(b"\xef\xbb\xbf# A\r\nb\rc")
    assert read_source(tmp_path / "runbook.md") == "# A\nb\nc"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\nb", [(0, 0), (1, 1)]),
        ("a \\\n  b\nc", [(0, 1), (2, 2)]),
        ("a |\n  b", [(0, 1)]),
        ("a 'x\ny'\nb", [(0, 1), (2, 2)]),
        ("cat <<EOF\nit's\nEOF\nb", [(0, 2), (3, 3)]),
        ("cat <<-'X' | sort\n$(\n\tX\nb", [(0, 2), (3, 3)]),
        ("# don't\n\nb", [(0, 0), (2, 2)]),
        ('echo "$(date "+%s")"\nb', [(0, 0), (1, 1)]),
        ("x=$(a\nb)\nc", [(0, 1), (2, 2)]),
        ("a # it's\nb", [(0, 0), (1, 1)]),
        ("grep <<<'a'\nb", [(0, 0), (1, 1)]),
    ],
)
def test_lines_that_a_shell_reads_as_one_stay_together(text, expected):
    assert logical_lines(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("echo 'a'\necho \"b'\"", None),
        ("echo 'a\necho b", (0, "'")),
        ('date\ncurl -d "{x\necho hi', (1, '"')),
        ("# don't\ndate", None),
        ("echo it\\'s", None),
        ("cat <<E\nit's\nE", None),
    ],
)
def test_a_quote_that_never_closes_is_found_where_it_opens(text, expected):
    assert open_quote(text) == expected
