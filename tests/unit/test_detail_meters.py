"""The details that production's rules ask for are read from the kernel's files as it writes them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from leakdrill.machine.cgroup import Cgroup
from leakdrill.meters.cgroup_details import CgroupDetailsMeter, read_details
from leakdrill.meters.machine_figures import MachineFiguresMeter, parse_stat
from leakdrill.meters.network import NetworkMeter, NetworkNamespaces, parse_interfaces, parse_protocols, parse_sockets
from leakdrill.meters.pressure import parse_pressure
from leakdrill.meters.process_details import ProcessDetailsMeter, parse_status

if TYPE_CHECKING:
    from pathlib import Path

NET_DEV = """Inter-|   Receive                     |  Transmit
 face |bytes packets errs drop fifo frame compressed multicast|bytes packets errs drop fifo colls carrier compressed
    lo: 100 2 0 0 0 0 0 0 100 2 0 0 0 0 0 0
  eth0: 5000 50 1 3 0 0 0 0 7000 70 2 4 0 0 0 0
"""
SNMP = "Tcp: RtoAlgorithm ActiveOpens RetransSegs\nTcp: 1 43 7\nUdp: InDatagrams NoPorts\nUdp: 5 6\n"
STAT = b"""cpu  200 20 100 700 30 1 2 40 9 9
cpu0 100 10 50 350 15 1 1 20 9 9
cpu1 100 10 50 350 15 0 1 20 0 0
intr 99 1 2 3
ctxt 1234
btime 1700000000
processes 55
procs_running 3
procs_blocked 1
softirq 9 8 7
"""
PSI = b"some avg10=0.00 avg60=0.00 avg300=0.00 total=2500000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=500000\n"
TICKS = os.sysconf("SC_CLK_TCK")


def test_interfaces_are_read_by_name() -> None:
    read = parse_interfaces(NET_DEV)
    assert (read["eth0.receive_bytes"], read["eth0.receive_errs"], read["eth0.receive_drop"]) == (5000, 1, 3)
    assert (read["eth0.transmit_packets"], read["eth0.transmit_errs"], read["eth0.transmit_drop"]) == (70, 2, 4)
    assert read["lo.receive_bytes"] == 100


def test_of_many_interfaces_the_busiest_are_read() -> None:
    head = "\n".join(NET_DEV.splitlines()[:2])
    idle = "\n".join(f"veth{n}: {n} 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0" for n in range(40))
    read = parse_interfaces(f"{head}\n{idle}\n{NET_DEV.splitlines()[3]}\n")
    assert len({key.partition(".")[0] for key in read}) == 16
    assert "eth0.receive_bytes" in read
    assert "veth0.receive_bytes" not in read


def test_of_protocols_only_what_rules_ask_for_is_read() -> None:
    assert parse_protocols(SNMP) == {
        "Tcp_ActiveOpens": 43,
        "Tcp_RetransSegs": 7,
        "Udp_InDatagrams": 5,
        "Udp_NoPorts": 6,
    }
    assert parse_sockets("sockets: used 9\nTCP: inuse 2 orphan 1 tw 0 alloc 3 mem 4\nRAW: inuse 0\n") == {
        "sockets_used": 9, "TCP_inuse": 2, "TCP_orphan": 1, "TCP_tw": 0, "TCP_alloc": 3, "TCP_mem": 4,
    }  # fmt: skip


def test_each_network_namespace_is_read_once(tmp_path: Path) -> None:
    """Two processes share one, a third has its own; our own has neither speed nor state there."""
    spaces = {}
    for pid, space in ((1, "a"), (2, "a"), (3, "b"), ("self", "c")):
        folder = tmp_path / str(pid)
        (folder / "ns").mkdir(parents=True)
        (folder / "net").mkdir()
        (folder / "net" / "dev").write_text(NET_DEV)
        spaces.setdefault(space, folder / "ns" / "net")
        if spaces[space] == folder / "ns" / "net":
            spaces[space].touch()
        else:
            os.link(spaces[space], folder / "ns" / "net")
    namespaces = NetworkNamespaces(proc=tmp_path, interfaces=tmp_path)
    read = NetworkMeter(lambda: [1, 2, 3], namespaces).read()
    assert read is not None
    assert read["eth0.receive_bytes"] == 2 * 5000
    assert NetworkMeter(list, namespaces).read() is None
    assert NetworkMeter(lambda: [99], namespaces).read() is None, "a process that has ended"


def test_speed_and_mtu_are_read_seldom_and_the_state_each_time(tmp_path: Path) -> None:
    process, card = tmp_path / "proc/self", tmp_path / "class/eth0"
    for folder in (process / "net", process / "ns", card):
        folder.mkdir(parents=True)
    (process / "ns/net").touch()
    (process / "net/dev").write_text(NET_DEV)
    (tmp_path / "class/veth9").mkdir()
    (tmp_path / "proc/1").symlink_to(process)
    for file, text in {
        "speed": "1000",
        "mtu": "1500",
        "carrier": "1",
        "carrier_changes": "2",
        "operstate": "up",
    }.items():
        (card / file).write_text(f"{text}\n")
    now = [0.0]
    meter = NetworkMeter(lambda: [1], NetworkNamespaces(tmp_path / "proc", tmp_path / "class", lambda: now[0]))
    read = meter.read()
    assert read is not None
    assert (read["eth0.speed_bytes"], read["eth0.mtu_bytes"]) == (125_000_000, 1500)
    assert (read["eth0.up"], read["eth0.carrier"], read["eth0.carrier_changes"]) == (1, 1, 2)
    for file, text in {"mtu": "9000", "carrier": "0", "carrier_changes": "3", "operstate": "down"}.items():
        (card / file).write_text(f"{text}\n")
    rows = []
    for second in range(1, 11):
        now[0] = float(second)
        rows.append(meter.read() or {})
    assert [row["eth0.mtu_bytes"] for row in rows] == [1500] * 9 + [9000]
    assert {(row["eth0.up"], row["eth0.carrier"], row["eth0.carrier_changes"]) for row in rows} == {(0, 0, 3)}


def test_targets_that_share_a_namespace_read_it_once_in_half_a_second(tmp_path: Path) -> None:
    for pid in ("self", "1"):
        (tmp_path / pid / "ns").mkdir(parents=True)
        (tmp_path / pid / "net").mkdir()
        (tmp_path / pid / "net/dev").write_text(NET_DEV)
    (tmp_path / "self/ns/net").touch()
    os.link(tmp_path / "self/ns/net", tmp_path / "1/ns/net")
    now = [5.0]
    namespaces = NetworkNamespaces(tmp_path, tmp_path / "none", lambda: now[0])
    one, other = (NetworkMeter(lambda: [1], namespaces) for _ in range(2))
    first = one.read()
    (tmp_path / "1/net/dev").write_text(NET_DEV.replace("5000", "6000"))
    now[0] = 5.4
    assert other.read() == first
    now[0] = 5.5
    assert (other.read() or {})["eth0.receive_bytes"] == 6000


def test_cpu_time_is_read_by_mode() -> None:
    read = parse_stat(STAT)
    assert (read["user_seconds"], read["idle_seconds"], read["steal_seconds"]) == (200 / TICKS, 700 / TICKS, 40 / TICKS)
    assert (read["cpus"], read["context_switches"], read["forks"], read["procs_blocked"]) == (2, 1234, 55, 1)
    assert read["booted_at_seconds"] == 1700000000


def test_the_machine_s_files_that_are_missing_leave_their_fields_out(tmp_path: Path) -> None:
    (tmp_path / "stat").write_bytes(STAT)
    (tmp_path / "loadavg").write_text("0.50 0.40 0.30 1/234 5678\n")
    (tmp_path / "sys/fs").mkdir(parents=True)
    (tmp_path / "sys/fs/file-nr").write_text("1154\t0\t2466174\n")
    read = MachineFiguresMeter(tmp_path).read()
    assert read is not None
    assert (read["load1"], read["load15"], read["open_files"], read["max_open_files"]) == (0.5, 0.3, 1154, 2466174)
    assert not {"page_faults", "cpu_waiting_seconds", "tracked_connections"} & read.keys()
    assert MachineFiguresMeter(tmp_path / "none").read() is None


def test_pressure_is_read_in_seconds() -> None:
    assert parse_pressure({"memory": PSI, "cpu": b""}) == {"memory_waiting_seconds": 2.5, "memory_stalled_seconds": 0.5}


def test_a_group_of_version_1_tells_faults_peak_and_hits(tmp_path: Path) -> None:
    (tmp_path / "memory.stat").write_text("cache 1\ntotal_swap 4096\ntotal_pgfault 9\ntotal_pgmajfault 2\n")
    (tmp_path / "memory.failcnt").write_text("3\n")
    (tmp_path / "memory.max_usage_in_bytes").write_text("8192\n")
    (tmp_path / "cpuacct.stat").write_text(f"user {TICKS}\nsystem {2 * TICKS}\n")
    assert read_details(Cgroup(version=1, memory=tmp_path, cpuacct=tmp_path)) == {
        "swap_bytes": 4096, "page_faults": 9, "major_page_faults": 2, "limit_hits": 3, "peak_bytes": 8192,
        "user_seconds": 1, "system_seconds": 2,
    }  # fmt: skip


def test_a_group_of_version_2_tells_pressure_too(tmp_path: Path) -> None:
    (tmp_path / "memory.stat").write_text("anon 1\nfile_mapped 12\npgfault 9\npgmajfault 2\n")
    (tmp_path / "memory.events").write_text("low 0\nhigh 0\nmax 4\noom 1\noom_kill 1\n")
    (tmp_path / "cpu.stat").write_text("usage_usec 3000000\nuser_usec 2000000\nsystem_usec 1000000\n")
    (tmp_path / "memory.pressure").write_bytes(PSI)
    assert read_details(Cgroup(version=2, memory=tmp_path, cpu=tmp_path, cpuacct=tmp_path)) == {
        "mapped_bytes": 12, "page_faults": 9, "major_page_faults": 2, "limit_hits": 4,
        "user_seconds": 2, "system_seconds": 1, "memory_waiting_seconds": 2.5, "memory_stalled_seconds": 0.5,
    }  # fmt: skip


def test_a_group_that_is_gone_gives_no_reading(tmp_path: Path) -> None:
    gone = Cgroup(version=2, memory=tmp_path / "gone", cpuacct=tmp_path / "gone")
    assert CgroupDetailsMeter(lambda: [gone]).read() is None
    assert CgroupDetailsMeter(list).read() is None


def test_a_process_tells_swap_and_switches() -> None:
    text = b"Name:\tx\nVmSwap:\t  8 kB\nThreads:\t2\nvoluntary_ctxt_switches:\t60\nnonvoluntary_ctxt_switches:\t7\n"
    assert parse_status(text) == {"swap_bytes": 8192, "voluntary_switches": 60, "involuntary_switches": 7}


def test_processes_are_summed_and_the_worst_ratio_is_kept(tmp_path: Path) -> None:
    """Two processes; the second one sleeps, and is nearer to its limit of descriptors."""
    for pid, state, fds, ran_ns in ((1, "R", 2, 500), (2, "S", 8, 0)):
        folder = tmp_path / str(pid)
        (folder / "fd").mkdir(parents=True)
        for fd in range(fds):
            (folder / "fd" / str(fd)).touch()
        fields = ["0"] * 50
        fields[0], fields[7], fields[9], fields[11], fields[12] = state, "10", "1", str(TICKS), str(2 * TICKS)
        (folder / "stat").write_text(f"{pid} (a b) {' '.join(fields)}\n")
        (folder / "status").write_text("VmSwap:\t 1 kB\nvoluntary_ctxt_switches:\t3\n")
        (folder / "io").write_text("rchar: 9\nread_bytes: 100\nwrite_bytes: 200\ncancelled_write_bytes: 1\n")
        (folder / "limits").write_text(
            "Limit  Soft Limit  Hard Limit  Units\nMax open files            100     100   files\n"
        )
        (folder / "task" / str(pid)).mkdir(parents=True)
        (folder / "task" / str(pid) / "schedstat").write_text(f"{ran_ns} 0 1\n")
    meter = ProcessDetailsMeter(lambda: [1, 2], proc=tmp_path)
    read = meter.read()
    assert read is not None
    assert (read["running"], read["sleeping"], read["zombie"]) == (1, 1, 0)
    assert (read["page_faults"], read["user_seconds"], read["system_seconds"]) == (20, 2, 4)
    assert (read["read_bytes"], read["written_bytes"], read["voluntary_switches"]) == (200, 400, 6)
    assert read["worst_fd_ratio"] >= 0.08
    assert "runnable" not in read, "it takes two readings"
    assert meter.read() is not None


def test_of_our_own_process_something_is_runnable() -> None:
    meter = ProcessDetailsMeter(lambda: [os.getpid()])
    meter.read()
    sum(n * n for n in range(300_000))
    read = meter.read()
    assert read is not None
    assert 0 < read["runnable"] < 64
    assert ProcessDetailsMeter(list).read() is None


@pytest.mark.parametrize("text", [b"", b"nonsense\n"])
def test_a_file_that_says_nothing_gives_nothing(text: bytes) -> None:
    assert parse_pressure({"cpu": text}) == {}
