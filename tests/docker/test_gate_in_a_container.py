"""The gate on a container: the agent answers across its wall, a leak is named, its twin is clean."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from leakdrill.record.history import read_history

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
GATE = {"slots": 8, "slot": "0.5s", "warmup": {"at_least": "2s", "at_most": "4s"}, "longest_ttl": "1s"}


@pytest.fixture
def gate(tmp_path):
    """Runs the gate on `mode` of the keeper in a container; its exit code, its verdicts by claim, what it said."""

    def run(mode: str, *arguments: str, **more: object):
        file = scenario(tmp_path, mode, **more)
        command = [
            "-m",
            "leakdrill",
            "gate",
            str(file),
            "--on",
            "docker",
            "--runs",
            str(tmp_path / "runs"),
            "--json",
            *arguments,
        ]
        done = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=False)
        verdicts = json.loads(done.stdout)["verdicts"] if done.stdout else []
        return done.returncode, {v["check"]: v for v in verdicts}, done.stderr

    return run


def scenario(folder: Path, mode: str, *, python: str = "python", image: str | None = None, **gate: object) -> Path:
    """A scenario file with the keeper of the gate's other tests, run from the scenario's folder, or from `image`."""
    services = ROOT / "tests" / "e2e" / "services"
    folder.chmod(0o755)  # an ordinary user reads it inside
    (folder / "keeper.py").write_text((services / "keeper.py").read_text().replace("127.0.0.1", "0.0.0.0"))
    words = [*python.split(), "{scenario_dir}/keeper.py", "{port}", mode]
    built = {"image": "leakdrill-samples", "build": str(ROOT), "command": words}
    target = {"name": "keeper", "command": words, "container": {"image": image} if image else built}
    load = {"locustfile": str(services / "locustfile.py"), "users": 4}
    path = folder / f"{mode}.yaml"
    path.write_text(yaml.safe_dump({"name": "test/keeper", "target": target, "load": load, "gate": {**GATE, **gate}}))
    return path


@pytest.fixture
def image(engine, tmp_path):
    """Builds an image whose own command is the keeper in some mode; its name. Removed at the end."""
    made = []
    engine.images.build(path=str(ROOT), tag="leakdrill-samples", rm=True, network_mode="host")

    def build(mode: str) -> str:
        scenario(tmp_path, mode)
        (tmp_path / "Dockerfile").write_text(
            "FROM leakdrill-samples\nCOPY keeper.py /opt/keeper.py\n"
            f'CMD ["python", "/opt/keeper.py", "8000", "{mode}"]\n'
        )
        name = f"leakdrill-test-{os.getpid()}-{mode}"
        made.append(name)
        engine.images.build(path=str(tmp_path), tag=name, rm=True)
        return name

    yield build
    for name in made:
        engine.images.remove(name, force=True)


def recorded(tmp_path: Path):
    return read_history(tmp_path / "runs" / "test-keeper" / "latest" / "history.jsonl")


def test_a_leak_in_a_container_is_named_with_its_type_and_its_line(gate, tmp_path):
    code, verdicts, err = gate("every")
    assert code == 1, (verdicts, err)
    message = verdicts["memory_does_not_leak"]["message"]
    assert "Visit +1.00" in message
    assert "keeper.py" in message
    slots = recorded(tmp_path).where(source="gate", name="slot")
    assert all({"blocks", "live_bytes", "anon_bytes"} <= slot.value.keys() for slot in slots)


def test_its_twin_is_clean(gate, tmp_path):
    code, verdicts, err = gate("nothing")
    assert code == 0, (verdicts, err)
    assert not [e for e in recorded(tmp_path).where(source="drill", name="notice") if "agent" in str(e.value)]


def test_of_two_images_measured_in_turn_the_leaking_one_fails(gate, image):
    code, verdicts, err = gate("every", "--against", image("nothing"), image=image("every"), slots=12, rate="400/s")
    assert code == 1, (verdicts, err)
    assert "than the baseline" in verdicts["memory_does_not_leak"]["message"]


def test_where_the_agent_cannot_be_had_it_says_so_and_works_from_outside(gate, tmp_path):
    code, verdicts, err = gate("every", python="python -I", slots=8)
    said = [str(e.value) for e in recorded(tmp_path).where(source="drill", name="notice")]
    assert [notice for notice in said if "-I, which ignores the environment" in notice], said
    assert code in (1, 2), (verdicts, err)
    slots = recorded(tmp_path).where(source="gate", name="slot")
    assert all("anon_bytes" in slot.value and "blocks" not in slot.value for slot in slots)
