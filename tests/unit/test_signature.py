"""A record that must be signed is trusted only with a signature of that key; `verify` says what was checked."""

from __future__ import annotations

import json
import shutil
from contextlib import nullcontext
from typing import TYPE_CHECKING

import pytest
from stored_runs import judged_run

from leakdrill.cli.main import exit_code
from leakdrill.errors import BadInput
from leakdrill.judging.analyze import RECORD_IS_INTACT, judge_run, verify_run
from leakdrill.record.reseal import reseal
from leakdrill.record.seal import check_seal
from leakdrill.record.signature import KEY_VARIABLE, Key, read_key, sign, signature_fault
from leakdrill.record.store import RunFolder
from leakdrill.record.verdict import Outcome, Verdict
from leakdrill.record.verdict_file import read_verdicts, write_verdicts
from leakdrill.runs.session import RunSession

if TYPE_CHECKING:
    from pathlib import Path

OURS, THEIRS = Key(b"o" * 32), Key(b"t" * 32)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    run = judged_run(tmp_path_factory.mktemp("original"))
    sign(run, OURS, check_seal(run).head)
    return run


@pytest.fixture
def run(original: RunFolder, tmp_path: Path) -> RunFolder:
    return RunFolder(shutil.copytree(original.path, tmp_path / "shop-cart" / original.path.name))


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "key"
    path.write_bytes(OURS.secret + b"\n")
    return path


def forge(run: RunFolder) -> None:
    """Edit the history and seal it again, as somebody does who has no key."""
    run.history.write_bytes(run.history.read_bytes().replace(b'"up":1.0', b'"up":1.5'))
    reseal(run)


def test_a_record_signed_with_our_key_is_good(run: RunFolder) -> None:
    seal = check_seal(run, key=OURS)
    assert (seal.fault, seal.signed_with, seal.signature_checked) == ("", OURS.id, True)


def test_without_a_key_the_signature_is_named_and_not_checked(run: RunFolder) -> None:
    seal = check_seal(run)
    assert (seal.fault, seal.signed_with, seal.signature_checked) == ("", OURS.id, False)


def test_a_record_signed_with_another_key_is_a_fault(run: RunFolder) -> None:
    assert f"signed with key {OURS.id}" in check_seal(run, key=THEIRS).fault


def test_a_missing_signature_is_a_fault_when_a_key_was_given(run: RunFolder) -> None:
    (run.path / "signature.json").unlink()
    assert "is not signed" in check_seal(run, key=OURS).fault
    assert check_seal(run).fault == ""


def test_what_was_sealed_again_does_not_fit_its_old_signature(run: RunFolder) -> None:
    forge(run)
    assert "signature.json: signs another record" in check_seal(run, key=OURS).fault
    assert "signature.json: signs another record" in check_seal(run).fault


def test_a_forged_signature_shows(run: RunFolder) -> None:
    forge(run)
    sign(run, THEIRS, check_seal(run).head)
    content = json.loads((run.path / "signature.json").read_text())
    (run.path / "signature.json").write_text(json.dumps(content | {"key": OURS.id}))
    assert "the signature is not one of this key" in check_seal(run, key=OURS).fault


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"key": 1}', "\x00", '{"algorithm":"none","key":"","chain":""}'])
def test_what_is_no_signature_is_a_fault(run: RunFolder, text: str) -> None:
    (run.path / "signature.json").write_text(text)
    assert "holds no signature" in check_seal(run).fault


def test_a_signature_behind_a_link_is_not_followed(run: RunFolder, original: RunFolder) -> None:
    (run.path / "signature.json").unlink()
    (run.path / "signature.json").symlink_to(original.path / "signature.json")
    assert "symbolic link" in signature_fault(run, check_seal(original).head, OURS)


def test_every_verdict_on_an_unsigned_record_is_unknown(run: RunFolder) -> None:
    (run.path / "signature.json").unlink()
    verdicts = judge_run(run, key=OURS).verdicts
    assert verdicts[0].check == RECORD_IS_INTACT
    assert {v.outcome for v in verdicts} == {Outcome.UNKNOWN}
    assert check_seal(run).fault == "", "and the record itself is not blamed afterwards"


def test_a_comparison_wants_both_records_signed(
    run: RunFolder, tmp_path: Path, key_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["report", str(run.path), "--key", str(key_file), "--against"]
    earlier = RunFolder(shutil.copytree(run.path, tmp_path / "earlier" / run.path.name))
    assert exit_code([*asked, str(earlier.path)]) == Outcome.PASS.exit_code
    assert (run.path / "comparison.json").exists()
    (earlier.path / "signature.json").unlink()
    assert exit_code([*asked, str(earlier.path)]) == BadInput.exit_code
    assert "cannot be compared" in capsys.readouterr().err


def test_an_unsealed_record_cannot_be_signed(run: RunFolder) -> None:
    assert check_seal(run, unsealed=True, key=THEIRS).fault


@pytest.mark.parametrize("content", [b"", b"short", b"\n" * 40])
def test_a_file_that_is_too_short_is_no_key(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "key").write_bytes(content)
    with pytest.raises(BadInput, match="expected a key of at least 16"):
        read_key(tmp_path / "key")


def test_a_key_that_cannot_be_read_is_bad_input_before_anything_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, str(tmp_path / "nothing"))
    with pytest.raises(BadInput, match="the key cannot be read"):
        RunSession(tmp_path / "runs", "x", notify=print, signals=nullcontext())
    assert not (tmp_path / "runs").exists()


def test_a_run_is_signed_with_the_key_of_the_environment(
    tmp_path: Path, key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, str(key_file))
    with RunSession(tmp_path / "runs", "x", notify=print, signals=nullcontext()) as session:
        pass
    assert signature_fault(session.folder, session.recorder.head, OURS) == ""


def verified(run: RunFolder, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, dict[str, object]]:
    code = exit_code(["verify", str(run.path), "--json", *options])
    content: dict[str, object] = json.loads(capsys.readouterr().out)
    return code, content


def test_verify_says_what_was_checked(run: RunFolder, key_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, content = verified(run, capsys, "--key", str(key_file))
    assert (code, content["intact"], content["fault"], content["signature_checked"]) == (0, True, "", True)
    assert content["lines"] == len(run.history.read_bytes().splitlines())
    assert exit_code(["verify", str(run.path)]) == 0
    assert f"of key {OURS.id}, not checked" in capsys.readouterr().out


def test_verify_names_the_line_and_writes_nothing(run: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    run.history.write_bytes(run.history.read_bytes().replace(b'"up":1.0', b'"up":0.0', 1))
    before = run.verdicts.read_bytes()
    code, content = verified(run, capsys)
    assert (code, content["intact"]) == (2, False)
    assert "history.jsonl:" in str(content["fault"])
    assert exit_code(["verify", str(run.path)]) == 2
    assert "UNKNOWN: " in capsys.readouterr().out
    assert run.verdicts.read_bytes() == before


def test_verify_names_the_edited_line_of_the_verdicts(run: RunFolder) -> None:
    lines = run.verdicts.read_text().splitlines()
    at = next(n for n, line in enumerate(lines) if '"message"' in line)
    lines[at] = lines[at].replace(" ", "  ", 20)
    run.verdicts.write_text("\n".join(lines) + "\n")
    assert f"verdicts.json:{at + 1}: was changed" in verify_run(run).fault


def test_verify_judges_again_what_was_sealed_again(run: RunFolder) -> None:
    stored = read_verdicts(run.verdicts)
    first = Verdict(check=stored.verdicts[0].check, subject="", outcome=Outcome.FAIL, message="")
    write_verdicts(run.verdicts, [first, *stored.verdicts[1:]], chain=stored.chain)
    assert check_seal(run).fault == ""
    assert "says otherwise than this record gives" in verify_run(run).fault


def test_what_is_no_run_cannot_be_verified(tmp_path: Path) -> None:
    assert exit_code(["verify", str(tmp_path)]) == 3
    (tmp_path / "history.jsonl").touch()
    assert exit_code(["verify", str(tmp_path)]) == 3
