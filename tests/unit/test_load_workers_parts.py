"""Workers elsewhere, without one: where users go, what workers are brought, what the master writes, the manifests."""

from __future__ import annotations

import ast
import io
import socket
import sys
import tarfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from leakdrill.errors import BadInput
from leakdrill.load.command import argv, environment
from leakdrill.load.counter_reader import CounterReader
from leakdrill.load.in_locust.counters import FILE_BYTES, Counters, mapped_cells, unpacked
from leakdrill.load.in_locust.target_addresses import AVOID_S, TargetAddresses
from leakdrill.load.worker_bundle import FOLDER, MOST_BYTES, OURS, worker_files
from leakdrill.load.workers import WorkerPlan, worker_plan
from leakdrill.machine.ports import address_towards, free_port
from leakdrill.scenario.load import Load
from leakdrill.targets.docker.load_workers import network_of, packed
from leakdrill.targets.kubernetes.load_workers import config_map, worker_pod
from leakdrill.targets.kubernetes.pod import parse_pod

ROOT = Path(__file__).parents[2]
FIRST, SECOND, THIRD = "http://10.0.0.1:80", "http://10.0.0.2:80", "http://10.0.0.3:80"
REFUSED = {"exception": OSError("refused"), "response": None}


class Session:
    """What Locust's clients have in common: a base_url, and a request that goes there."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url

    def request(self, path: str) -> str:
        return self.base_url + path


def led(addresses: TargetAddresses) -> type[Session]:
    class Led(Session):
        def request(self, path: str) -> str:
            return super().request(path)

    addresses.redirect([Led])
    return Led


def test_users_of_all_workers_are_dealt_out_evenly() -> None:
    """Two workers with three users each, three addresses: each gets two, and nobody agreed on anything."""
    asked = []
    for worker_index in range(2):
        client = led(TargetAddresses([FIRST, SECOND, THIRD], worker_index=worker_index, worker_count=2))
        asked += [client(FIRST).request("/") for _ in range(3)]
    assert sorted(asked) == sorted(2 * [f"{a}/" for a in (FIRST, SECOND, THIRD)])


def test_a_user_keeps_to_its_address_until_the_list_changes() -> None:
    addresses = TargetAddresses([FIRST, SECOND])
    user = led(addresses)(FIRST)
    assert [user.request("/a"), user.request("/b")] == [f"{FIRST}/a", f"{FIRST}/b"]
    addresses.change([SECOND])
    assert user.request("/c") == f"{SECOND}/c"
    addresses.change([])
    assert user.request("/d") == f"{SECOND}/d"


def test_a_client_of_another_host_is_left_alone() -> None:
    client = led(TargetAddresses([FIRST]))
    assert client("http://elsewhere").request("/") == "http://elsewhere/"


def test_an_address_without_an_answer_is_avoided_for_a_moment_where_there_is_another() -> None:
    now = [0.0]
    addresses = TargetAddresses([FIRST, SECOND], clock=lambda: now[0])
    addresses.on_request(url=f"{FIRST}/predict", **REFUSED)
    assert [addresses.of(0), addresses.of(1)] == [SECOND, SECOND]
    now[0] = AVOID_S
    assert addresses.of(0) == FIRST
    addresses.on_request(url=f"{FIRST}/predict", **REFUSED)
    addresses.on_request(url=f"{SECOND}/predict", **REFUSED)
    assert [addresses.of(0), addresses.of(1)] == [FIRST, SECOND]


def test_an_error_status_is_an_answer_and_moves_nobody() -> None:
    addresses = TargetAddresses([FIRST, SECOND])
    addresses.on_request(exception=OSError(), response=SimpleNamespace(status_code=503), url=f"{FIRST}/")
    assert addresses.of(0) == FIRST


def test_counts_that_crossed_a_network_are_read_as_those_of_a_process_here(tmp_path: Path) -> None:
    """Each message replaces the one before it, so that one that is lost, or comes twice, changes nothing."""
    counters, reader = Counters(), CounterReader(tmp_path)
    counters.on_request(response_time=5.0, exception=None)
    cells = mapped_cells(tmp_path, "worker-1", unpacked(counters.packed()))
    assert reader.answered() == 1
    counters.on_request(response_time=7.0, exception=None)
    counters.on_request(response_time=None, exception=OSError())
    for _ in range(2):
        cells.cast("B")[:] = unpacked(counters.packed())
    assert (reader.answered(), reader.totals().failures, counters.changes) == (2, 1, 5)


@pytest.mark.parametrize("packed_cells", [b"", b"no such thing"])
def test_what_is_no_counts_is_refused(packed_cells: bytes) -> None:
    with pytest.raises(ValueError, match="counts"):
        unpacked(packed_cells)


def test_packed_counts_are_small() -> None:
    counters = Counters()
    for ms in range(200):
        counters.on_request(response_time=float(ms), exception=None)
    assert len(counters.packed()) < FILE_BYTES / 20


def test_what_a_worker_is_brought_imports_nothing_else_of_ours() -> None:
    """Any image with Locust must do."""
    modules = {name.removesuffix(".py").replace("/", ".").removesuffix(".__init__") for name in OURS}
    allowed = {*sys.stdlib_module_names, "locust", "gevent", "requests", "geventhttpclient"}  # Locust brings the others
    for name in OURS:
        for node in ast.walk(ast.parse((ROOT / "harness" / name).read_text())):
            imported = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            imported += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not [
                module for module in imported if module.split(".")[0] not in allowed and module not in modules
            ], name


def test_the_files_beside_the_locustfile_come_along(tmp_path: Path) -> None:
    for name in ("my-load.py", "paths.py", "not-a-module.py", "data.json"):
        (tmp_path / name).write_text("pass\n")
    brought = worker_files(tmp_path / "my-load.py")
    assert {name for name in brought if name.startswith("load/")} == {"load/my-load.py", "load/paths.py"}
    assert set(OURS) < set(brought)


def test_too_much_beside_the_locustfile_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "load.py").write_text("pass\n")
    (tmp_path / "table.py").write_text("#" * (MOST_BYTES + 1))
    with pytest.raises(BadInput, match=r"hold 900.*expected at most") as e:
        worker_files(tmp_path / "load.py")
    assert "workers_on: here" in e.value.hint


def a_plan(tmp_path: Path, **changes: object) -> WorkerPlan:
    (tmp_path / "l.py").write_text("pass\n")
    fields = {"locustfile": tmp_path / "l.py", "users": 10, "rate": "40/s", "workers": 2, "env": {"A": "1"}, **changes}
    return worker_plan(Load.model_validate(fields), master=("10.0.0.9", 5000), addresses=[FIRST], max_run_s=10)


def test_a_worker_gets_the_pace_its_index_and_the_scenarios_own_arguments(tmp_path: Path) -> None:
    made = a_plan(tmp_path, args=["--tags", "slow"])
    assert made.command[-2:] == ["--tags", "slow"]
    assert made.command[made.command.index("--master-host") + 1] == "10.0.0.9"
    assert made.command[made.command.index("--locustfile") + 1] == f"{FOLDER}/load/l.py"
    env = made.env_of(1)
    assert (env["A"], env["LEAKDRILL_LOAD_PERIOD_S"], env["LEAKDRILL_LOAD_WORKER_INDEX"]) == ("1", "0.25", "1")
    assert int(env["LEAKDRILL_LOAD_LIFETIME_S"]) > 10


def test_a_master_of_workers_elsewhere_listens_on_one_address_and_starts_none_itself() -> None:
    spec = Load(locustfile=Path("/x/l.py"), workers=3)
    words = argv(spec, host=FIRST, max_run_s=1, master=("10.0.0.9", 5000))
    assert words[words.index("--master-bind-host") + 1] == "10.0.0.9"
    assert words[words.index("--expect-workers") + 1] == "3"
    assert "--processes" not in words
    env = environment(spec, counts=Path("/c"), status_fd=3, run_id="r1", addresses_fd=7)
    assert env["LEAKDRILL_LOAD_ADDRESSES_FD"] == "7"


@pytest.mark.parametrize("everywhere", ["0.0.0.0", "::", "*"])
def test_a_master_on_all_addresses_is_refused(everywhere: str) -> None:
    with pytest.raises(ValueError, match="one address of this machine"):
        Load.model_validate({"locustfile": "l.py", "master_host": everywhere})


def test_the_address_towards_loopback_is_loopback_and_ports_there_are_free() -> None:
    assert address_towards("127.0.0.1") == "127.0.0.1"
    with pytest.raises(OSError, match="no address"):
        address_towards("")
    with socket.create_server(("127.0.0.1", free_port("127.0.0.1"))):
        pass


def test_a_pod_of_a_worker_is_never_started_again_and_ends_by_itself(tmp_path: Path) -> None:
    made = a_plan(tmp_path)
    files = config_map("load", "r1", made.files)
    pod = worker_pod(made, "load-2", 1, run="r1", config_map_name="load")
    spec, (container,) = pod["spec"], pod["spec"]["containers"]
    assert (spec["restartPolicy"], spec["activeDeadlineSeconds"]) == ("Never", made.lifetime_s)
    assert pod["metadata"]["labels"]["leakdrill.run"] == files["metadata"]["labels"]["leakdrill.run"] == "r1"
    assert {item["key"] for item in spec["volumes"][0]["configMap"]["items"]} == set(files["binaryData"])
    assert (container["imagePullPolicy"], container["workingDir"]) == ("IfNotPresent", FOLDER)


def test_a_pod_tells_its_address() -> None:
    pod = {"metadata": {"name": "a", "uid": "u"}, "status": {"podIP": "10.0.0.3"}}
    assert parse_pod(pod).address == "10.0.0.3"


def test_a_container_is_reached_on_its_first_network_that_has_an_address() -> None:
    networks = {"old": {"IPAddress": ""}, "shop_default": {"IPAddress": "172.18.0.4"}}
    container = SimpleNamespace(attrs={"NetworkSettings": {"Networks": networks}})
    assert network_of(container) == ("shop_default", "172.18.0.4")  # type: ignore[arg-type]
    nowhere = SimpleNamespace(attrs={"NetworkSettings": {"Networks": None}})
    assert network_of(nowhere) == ("", "")  # type: ignore[arg-type]


def test_files_reach_a_container_readable_by_everybody() -> None:
    with tarfile.open(fileobj=io.BytesIO(packed({"load/l.py": b"pass"}))) as archive:
        (item,) = archive.getmembers()
    assert (item.name, item.size, item.mode) == ("leakdrill/load/l.py", 4, 0o644)
