"""Bindings that mean nothing are refused with file and line, before anything starts."""

from __future__ import annotations

import pytest
from runbook_texts import runbook

from leakdrill.errors import BadInput
from leakdrill.runbooks.bindings import BoundFile
from leakdrill.runbooks.bound_steps import refuse_unused
from leakdrill.runbooks.findings.pids import unresolved_pids
from leakdrill.runbooks.fragment import Place
from leakdrill.runbooks.read import read_runbook
from leakdrill.runbooks.sought import sought_by, told_in


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("steps:\n  - {line: 40, skip: x}\n", r"bind\.yaml:2: steps\[0\]: no command of .* begins on line 40"),
        ("steps:\n  - {text: ps au, skip: x}\n", r"bind\.yaml:2: steps\[0\]: no command of .* has that text"),
        (
            "steps:\n  - {line: 3, skip: x}\n  - {text: ps aux, run: top}\n",
            r"bind\.yaml:3: steps\[1\]: line 3 is bound already, by steps\[0\]",
        ),
        ("steps:\n  - {line: 3, skip: ''}\n", r"bind\.yaml:2: steps\[0\]\.skip: "),
        ("steps:\n  - {line: 3, run: ' '}\n", r"bind\.yaml:2: steps\[0\]\.run: "),
        ("steps:\n  - {line: 3, sought: lots}\n", r"bind\.yaml:2: steps\[0\]\.sought: .*one number"),
        ("target: ['']\n", r"bind\.yaml:1: target\[0\]: "),
        ("hosts: {'': '@{url}'}\n", r"bind\.yaml:1: hosts"),
        (
            "placeholders: {pid: '@{pidd}'}\n",
            r"bind\.yaml:1: placeholders: .*@\{pidd\} means nothing; expected one of url",
        ),
        ("hosts: {x: '@{urll}'}\n", r"bind\.yaml:1: hosts: .*@\{urll\} means nothing"),
        (f"placeholders: {{pid: {'a' * 5000}}}\n", r"bind\.yaml:1: placeholders\.pid: "),
    ],
)
def test_a_binding_that_means_nothing_is_refused(tmp_path, text, message):
    path = tmp_path / "a.bind.yaml"
    path.write_text(text)
    with pytest.raises(BadInput, match=message):
        refuse_unused(runbook("# A\n```\nps aux\n```\n"), BoundFile(path))


def test_bindings_may_have_windows_line_ends_a_mark_of_their_encoding_and_one_line_for_two_commands(tmp_path):
    path = tmp_path / "a.bind.yaml"
    path.write_bytes(b"\xef\xbb\xbfsteps:\r\n  - {text: ps  aux, skip: x}\r\n")
    refuse_unused(runbook("# A\n```\nps aux\n```\n```\nps aux\n```\n"), BoundFile(path))


def test_prose_that_ends_in_a_colon_speaks_of_the_block_below_it():
    read = runbook("# A\n```\nps aux\n```\nIt is in trouble\nabove 500 entries:\n\n```\ndf -h\n```\n")
    ps, df = read.fragments
    found = sought_by(read, df)
    assert (sought_by(read, ps), found is not None and found.bound) == (None, 500)


def test_of_several_commands_below_a_colon_none_is_meant_for_certain():
    read = runbook("# A\nAbove 500 entries:\n\n```\ndf -h\nps aux\n```\n")
    assert [sought_by(read, fragment) for fragment in read.fragments] == [None, None]


def test_the_row_of_a_table_speaks_of_its_command(tmp_path):
    path = tmp_path / "a.md"
    rows = "| C | `df -h` | fewer than 500 |\n| D | `ps aux` | ok |\n"
    path.write_text(f"# A\n\n| Check | Command | Expected |\n|---|---|---|\n{rows}")
    df, ps = read_runbook(path).fragments
    assert {df.place, ps.place} == {Place.TABLE}
    found = sought_by(read_runbook(path), df)
    assert found is not None
    assert (found.above, found.bound, sought_by(read_runbook(path), ps)) == (False, 500, None)


@pytest.mark.parametrize(
    ("text", "above"),
    [
        ("no more than 5", False),
        ("must not exceed 80%", False),
        ("should not be above 80%", False),
        ("never below 5", True),
        ("no fewer than 3", True),
        ("it isn't over 5", False),
    ],
)
def test_a_number_that_is_denied_is_the_other_bound(text, above):
    (sought,) = told_in(text)
    assert sought.above is above


def test_the_status_of_a_unit_prints_its_process(tmp_path):
    path = tmp_path / "a.md"
    path.write_text(
        "# A\n\n```bash\nsystemctl status shop\nps -p <pid>\n```\n\n"
        "## B\n\n```bash\nsystemctl restart shop\nps -p <pid>\n```\n"
    )
    assert [finding.line for finding in unresolved_pids(read_runbook(path))] == [12]
