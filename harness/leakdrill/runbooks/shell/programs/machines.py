"""The machine: its kernel, disks, network cards, GPUs, users and clock."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from leakdrill.runbooks.shell.programs.effect import Effect, Inner, change, destructive, look, runs
from leakdrill.runbooks.shell.programs.options import Options
from leakdrill.runbooks.shell.programs.simple import Simple, simple
from leakdrill.runbooks.shell.programs.table import Table, entries

if TYPE_CHECKING:
    from leakdrill.runbooks.shell.programs.call import Call, Judge

ROWS: Final = """
destructive fdisk, parted, sfdisk, gdisk, sgdisk, cfdisk, partprobe, mdadm, lvremove, vgremove, pvremove, lvreduce, blkdiscard, hdparm | may lose what a disk holds
destructive cryptsetup, zpool, zfs, btrfs, multipath, dmsetup, losetup, nvme, smartctl, ipmitool, tune2fs, xfs_admin, lvconvert, vgreduce | may change or lose what a disk or a machine holds
change lvextend, lvcreate, vgextend, vgcreate, pvcreate, resize2fs, xfs_growfs, growpart, lvresize, pvresize, lvchange, vgchange | makes a disk or a file system larger
change umount | takes a file system away | `mount` it again
change swapoff | stops the use of swap | `swapon` again
change swapon | uses a disk or a file as swap | `swapoff` it
change modprobe, insmod, rmmod, depmod | loads or unloads a part of the kernel | the opposite of it
change useradd, adduser, usermod, groupadd, passwd, chpasswd, gpasswd, newgrp | changes users
destructive userdel, deluser, groupdel | removes users
change update-ca-certificates, update-ca-trust, update-grub, grub2-mkconfig, dracut, ldconfig, update-alternatives | changes the system
change setenforce, semanage, setsebool, aa-complain, aa-enforce, ufw, firewall-cmd, nft, ipvsadm, ebtables, ipset | changes what is allowed
change ifup, ifdown, dhclient, nmcli, nmtui, netplan, ethtool, brctl, ovs-vsctl, ovs-ofctl, wg, iw, arp, route, ifconfig, tc, bridge | changes the network
change chronyd, ntpdate, ntpd, hwclock, timedatectl, hostnamectl, localectl, loginctl, tuned-adm, cpupower, machinectl, resolvectl | changes the machine's settings
change cgset, cgcreate, cgclassify, cgexec, cgdelete | changes control groups
change xclip, pbcopy, xdg-open, open | shows or copies something on the desk
"""
SHOWS: Final = {
    "fdisk": ("-l", "--list"), "sfdisk": ("-l", "--list", "-d", "--dump"), "gdisk": ("-l",), "sgdisk": ("-p", "--print"),
    "parted": ("-l", "--list"), "mdadm": ("--detail", "-D", "--examine", "-E"), "hdparm": ("-I", "-i"), "swapon": ("-s", "--show", "--summary"),
    "losetup": ("-l", "-a", "--list"), "tune2fs": ("-l",), "smartctl": ("-a", "-A", "-H", "-i", "-x", "-l", "--all", "--scan"),
    "multipath": ("-ll", "-l"), "ethtool": ("-S", "-i", "-k", "-g", "-l", "-a", "-c", "-m"), "modprobe": ("-n", "--show-depends"),
    "hwclock": ("-r", "--show"), "ipvsadm": ("-L", "-l", "-Ln"), "passwd": ("-S",), "arp": ("-a", "-n"), "route": ("-n",),
    "ldconfig": ("-p",), "firewall-cmd": ("--list-all", "--state", "--list-ports", "--get-active-zones", "--list-services"),
}  # fmt: skip
"""Programs that change the machine, and the options by which they only show."""
WITH_BOTH: Final = {"smartctl": ("-t", "-s", "-o", "-S", "-X"), "hdparm": ("--security", "--trim", "-w", "-Y", "-y"), "arp": ("-d", "-s"), "ethtool": ("-C", "-K", "-G", "-L", "-s", "-r"), "multipath": ("-f", "-F", "-r"), "ipvsadm": ("-A", "-D", "-C", "-Z", "-E")}  # fmt: skip

TABLES: Final = {
    "zpool": "look status, list, iostat, history, get, events | prints the state of pools",
    "zfs": "look list, get | prints the state of file systems",
    "ufw": "look status, version, show | prints rules",
    "nft": "look list | prints rules",
    "nmcli": "look general status, device status, device show, connection show, con show, dev status, dev show | prints the network",
    "timedatectl": "look status, show, timesync-status, list-timezones | prints the time",
    "hostnamectl": "look status | prints the machine's name",
    "loginctl": "look list-sessions, list-users, show-session, show-user, session-status, user-status | prints sessions",
    "resolvectl": "look status, query, statistics | prints names",
    "tuned-adm": "look active, list, recommend | prints profiles",
    "cpupower": "look frequency-info, idle-info, info, monitor | prints the state of processors",
    "machinectl": "look list, status, show | prints machines",
    "ovs-vsctl": "look show, list-br, list-ports, get, list | prints bridges",
    "ovs-ofctl": "look show, dump-flows, dump-ports | prints flows",
    "wg": "look show, showconf | prints tunnels",
    "bridge": "look link, fdb show, vlan show | prints bridges",
    "nvme": "look list, smart-log, id-ctrl, list-subsys, error-log | prints the state of disks",
    "ipmitool": "look sel list, sel elist, sel info, sdr, sensor, fru, chassis status, power status, lan print, mc info | prints the state of a machine",
    "dmsetup": "look ls, info, status, table, deps | prints the state of disks",
    "btrfs": "look filesystem show, filesystem df, filesystem usage, fi show, fi df, fi usage, subvolume list, device stats, scrub status | prints the state of file systems",
    "cryptsetup": "look status, luksDump, isLuks | prints the state of a disk",
    "chronyc": "look tracking, sources, sourcestats, activity, ntpdata, clients | prints the state of the clock",
    "dcgmi": "look discovery, dmon, topo, nvlink, modules, stats | prints the state of GPUs",
    "iw": "look dev, list | prints the radio network",
    "tc": "look qdisc show, class show, filter show | prints rules",
}  # fmt: skip
OPTIONS: Final = {"ipmitool": "-I -H -U -P -L"}
FLAGS: Final = "-s -d -a -n -4 -6 -v -j -p -g -o --no-pager -t"


def sysctl(call: Call) -> Effect:
    """Prints settings of the kernel, or sets them."""
    if call.has("-w", "--write", "-p", "--load", "--system", "-f") or any(
        "=" in word.text for word in call.arguments if not word.is_option
    ):
        return change("`sysctl` sets the kernel's settings.", "`sysctl -w` with the value that it printed before")
    return look("`sysctl` prints the kernel's settings.")


def mount(call: Call) -> Effect:
    """Prints what is mounted, or mounts."""
    if not call.arguments or [word.text for word in call.arguments] in (["-l"], ["-v"]):
        return look("`mount` prints what is mounted.")
    if len(call.arguments) == 2 and call.arguments[0].text == "-t":  # noqa: PLR2004
        return look("`mount -t` prints what is mounted.")
    return change("`mount` mounts a file system.", "`umount` it")


def iptables(call: Call) -> Effect:
    """Prints rules of the firewall, or changes them."""
    if call.has("-F", "-X", "--flush", "--delete-chain"):
        return destructive("`iptables -F` throws rules away.")
    if call.has("-A", "-I", "-D", "-R", "-P", "-N", "-Z", "-E") or any(
        w.text.startswith("--") and w.text[2:5] in {"app", "ins", "del", "rep", "pol", "new", "zer", "ren"}
        for w in call.arguments
    ):
        return change(
            "`iptables` changes the firewall's rules.", "`iptables -D` the rule that was added, or add it again"
        )
    if call.has("-L", "-S", "--list", "--list-rules", "-C", "--check", "-V", "--version"):
        return look("`iptables` prints the firewall's rules.")
    return change("`iptables` changes the firewall's rules.")


IP_ACTS: Final = tuple("add del delete set flush change replace append exec attach restore save reset".split())
IP_SHOWS: Final = frozenset("show list ls lst get sh s l monitor help dev to via src table default up".split())


def ip(call: Call) -> Effect:
    """Prints or changes addresses, routes and links."""
    words = [word for word in call.arguments if not word.text.startswith("-")]
    texts = [word.text for word in words]
    if texts[:2] == ["netns", "exec"]:
        inner = call.words[call.words.index(words[1]) + 2 :]
        return (
            runs("`ip netns exec` runs a command.", Inner(inner, elsewhere=True))
            if inner
            else look("`ip` prints its help.")
        )
    if call.has("-b", "-batch", "-force") or any(not word.literal for word in words[:2]):
        return change("`ip` may change the network.")
    if len(texts) > 1 and any(any(act.startswith(text) for act in IP_ACTS) for text in texts[1:2]):
        return change("`ip` changes the network.", "the opposite `ip` command")
    if len(texts) <= 1 or texts[1] in IP_SHOWS:
        return look("`ip` prints the network.")
    return change("`ip` may change the network.")


def nvidia_smi(call: Call) -> Effect:
    """Prints the state of GPUs; it can set and reset them."""
    if call.has("--gpu-reset") or any(
        word.text in {"-r", "-caa", "-mig"} or word.text.startswith("-mig") for word in call.arguments
    ):
        return destructive("`nvidia-smi` resets a GPU: what runs on it is lost.")
    first = next((word for word in call.arguments if not word.is_option), None)
    if first is not None and first is call.arguments[0]:
        if first.text in {"dmon", "pmon", "topo", "nvlink"} and not call.has(
            "-f", "--filename", "-sc", "-r", "-rc", "-sg"
        ):
            return look(f"`nvidia-smi {first.text}` prints the state of GPUs.")
        return change(f"`nvidia-smi {first.text}` may change GPUs.")
    shows = re.compile(
        r"--query(?:-\w+(?:-\w+)*)?(?:=.*)?|--format(?:=.*)?|--id(?:=.*)?|--loop(?:-ms)?(?:=.*)?|--list-gpus|--display(?:=.*)?|--help|--version|"
        r"-[qLaxBuhl]+|-[idl]|-lms|-i=?[\w,.:-]*|-l\d+|-d=?[\w,]*|-l=\d+|-lms=\d+"
    )
    for word in call.arguments:
        if word.is_option and not shows.fullmatch(word.text):
            return change(
                f"`nvidia-smi {word.text}` may set something of the GPUs or write a file.",
                "set it to what it was before",
            )
    return look("`nvidia-smi` prints the state of GPUs.")


def arguments_show(call: Call) -> Effect:
    """`ifconfig eth0`, `route`, `ethtool eth0`: a look with one argument at most, that names what to show."""
    plain = [word for word in call.arguments if not word.text.startswith("-")]
    options = [word.text for word in call.arguments if word.text.startswith("-")]
    shows = SHOWS.get(call.name, ())
    if len(plain) <= 1 and all(text in {*shows, "-a", "-s", "-v", "-4", "-6", "-e"} for text in options):
        return look(f"`{call.name}` prints the network.")
    return change(f"`{call.name}` changes the network.")


def programs() -> dict[str, Judge]:
    """Returns the judges of these programs by name."""
    result: dict[str, Judge] = dict(simple(ROWS))
    for name, shows in SHOWS.items():
        judge = result[name]
        if isinstance(judge, Simple):
            worse = dict.fromkeys(WITH_BOTH.get(name, ()), judge.effect)
            result[name] = Simple(judge.effect, worse, shows)
    for name, rows in TABLES.items():
        default = result.get(name)
        effect = default.effect if isinstance(default, Simple) else change(f"`{name}` changes the machine's settings.")
        result[name] = _Falling(Table(name, entries(name, rows), Options.of(OPTIONS.get(name, ""), FLAGS)), effect)
    names = ("ifconfig", "route", "ethtool")
    return {
        **result, **dict.fromkeys(names, arguments_show), "sysctl": sysctl, "mount": mount, "iptables": iptables, "ip6tables": iptables,
        "iptables-save": Simple(look("`iptables-save` prints rules.")), "ip": ip, "nvidia-smi": nvidia_smi,
    }  # fmt: skip


class _Falling:
    """A table of what only shows; everything else is what the program does in general."""

    def __init__(self, table: Table, otherwise: Effect) -> None:
        self.table = table
        self.otherwise = otherwise

    def __call__(self, call: Call) -> Effect:
        """Says what a call does."""
        if not call.arguments and self.table.name in {
            "timedatectl",
            "hostnamectl",
            "loginctl",
            "resolvectl",
            "nmcli",
            "wg",
        }:
            return look(f"`{self.table.name}` prints the state.")
        effect = self.table(call)
        return effect if effect.badness == 0 else self.otherwise
