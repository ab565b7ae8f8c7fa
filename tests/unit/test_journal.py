"""The journal says what is left to undo, whatever happened to whoever wrote it."""

from leakdrill.record.journal import Journal
from leakdrill.record.stored_journal import read_journal


def test_what_is_planned_is_pending_until_it_is_undone(tmp_path):
    journal = Journal(tmp_path / "journal.jsonl")
    first = journal.plan("folder", path="/a")
    second = journal.done(journal.plan("process", argv0="x"), pid=7)
    assert journal.pending() == [second, first]
    journal.undone(first)
    assert journal.pending() == [second]
    journal.close()


def test_the_file_alone_tells_the_same(tmp_path):
    path = tmp_path / "journal.jsonl"
    journal = Journal(path)
    journal.undone(journal.plan("folder", path="/a"))
    journal.done(journal.plan("process", argv0="x"), pid=7)
    planned = journal.plan("mount", path="/m")
    assert read_journal(path) == journal.pending()
    assert read_journal(path)[0] == planned
    assert read_journal(path)[1].data == {"argv0": "x", "pid": 7}
    journal.close()


def test_a_torn_last_line_is_left_out(tmp_path):
    path = tmp_path / "journal.jsonl"
    journal = Journal(path)
    journal.plan("folder", path="/a")
    journal.close()
    path.write_bytes(path.read_bytes() + b'{"id":1,"state":"und')
    assert len(read_journal(path)) == 1
