"""Programs that only show something, whatever their arguments are, but for a few options."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leakdrill.runbooks.shell.programs.effect import Effect, change, look, unknown
from leakdrill.runbooks.shell.programs.simple import simple, writes

if TYPE_CHECKING:
    from leakdrill.runbooks.shell.programs.call import Call, Judge

MOST_ASKED: Final = 2
"""What `host` is given at most: a name, and the server that is asked."""
SHOWING = """
look ls, ll, dir, vdir, cat, tac, nl, head, tail, wc, cut, tr, paste, join, comm, column, rev, fold, fmt, expand, od, hexdump | prints what it reads
look grep, egrep, fgrep, zgrep, zegrep, zfgrep, bzgrep, xzgrep, zcat, gzcat, bzcat, xzcat, zstdcat, ack, ripgrep | prints what it reads
look strings, file, stat, readlink, realpath, basename, dirname, cmp, seq, expr, cksum, md5sum, sha1sum, sha224sum, sha256sum | prints facts
look sha384sum, sha512sum, b2sum, base32, base64, numfmt, factor, tsort, look, getent, id, groups, users, who, w, whoami | prints facts
look last, lastlog, lastb, logname, uptime, uname, arch, nproc, printenv, locale, cal, tty, pwdx, lsof, pgrep, pidof, pstree | prints facts
look ps, free, vmstat, iostat, mpstat, pidstat, lscpu, lsblk, lspci, lsusb, lsmod, lsns, lsipc, lshw, df, du, findmnt, blkid | prints facts
look slabtop, pmap, numastat, iotop, htop, glances, ipcs, dmidecode, inxi, systemd-cgtop, systemd-cgls, cgget | prints facts
look nvtop, gpustat, jps, jstat, jstack, dstat, nethogs, iftop, bmon, smem, ncdu, prstat, vm_stat, sw_vers | prints facts
look netstat, ping, ping6, dig, nslookup, traceroute, traceroute6, tracepath, mtr, whois, arping, fping | asks the network
look modinfo, ldd, nm, objdump, readelf, size, man, whatis, apropos, which, whereis, tldr, info | prints facts
look lvs, vgs, pvs, lvdisplay, vgdisplay, pvdisplay, xfs_info, uuidgen, mcookie, tput, clear, getconf | prints facts
look ipcalc, sipcalc, showmount, rpcinfo, nfsstat, nfsiostat, lslocks, lslogins, lsmem, lsinitramfs | prints facts
look sleep, usleep, true, false, yes, cowsay, figlet, toilet, lolcat | changes nothing
look jq, gojq, jaq, csvlook, csvcut, csvgrep, hclq, gron, bat, batcat, exa, eza, diff3 | prints what it reads
look stern, kubetail, kail, kube-capacity, popeye, kubectl-neat, logcli, jc | prints what it reads
look ibstat, ibstatus, ibv_devinfo, ibnetdiscover, lsdf, systool, sensors | prints facts
look apt-cache, dpkg-query, checkrestart, zdump | prints facts
look pg_isready, pg_config, pg_controldata, pg_lsclusters, pg_waldump, mytop, innotop, pg_top, pg_activity, pt-summary | prints facts
"""

ODD = """
look tree, less, more, zless, most, shuf, diff, colordiff, icdiff, sdiff, sar, top, btop | prints what it reads
"""

WRITING = {
    "tree": writes("tree", "-o"),
    "less": writes("less", "-o", "-O", "--log-file", "--LOG-FILE"),
    "shuf": writes("shuf", "-o", "--output"),
    "diff": writes("diff", "--output"),
    "sdiff": writes("sdiff", "-o", "--output"),
    "sar": writes("sar", "-o"),
}


def date(call: Call) -> Effect:
    """Shows the time; with an option or a bare number it sets it."""
    bare = [word for word in call.arguments if word.text[:4].isdigit() and not word.is_option]
    values = {"-d", "--date", "-r", "--reference", "-f"}
    after = {call.arguments[i + 1] for i, word in enumerate(call.arguments[:-1]) if word.text in values}
    if call.has("--set") or any(word.text.startswith("-s") for word in call.arguments) or set(bare) - after:
        return change("`date` sets the clock.", "let the time service set it again")
    return look("`date` prints the time.")


def uniq(call: Call) -> Effect:
    """Prints lines; a second file is where it writes."""
    files = [word for word in call.arguments if not word.is_option and not word.text.isdigit()]
    if len(files) > 1:
        return change("`uniq` writes its second file.", "remove that file, or put back what it held before")
    return look("`uniq` prints what it reads.")


def xxd(call: Call) -> Effect:
    """Prints bytes; a second file is where it writes."""
    files = [word for word in call.arguments if not word.is_option and not word.text.isdigit()]
    if len(files) > 1 or call.has("-r"):
        return change("`xxd` writes its second file.")
    return look("`xxd` prints what it reads.")


def sort(call: Call) -> Effect:
    """Prints lines in order; it can write a file, or run a program to compress its temporary files."""
    risky = ("--output", "--compress-program", "--files0-from")
    for word in call.arguments:
        if word.many or word.text.startswith(risky[:2]) or (word.text.startswith("-o") and word.text != "--"):
            return change("`sort` writes a file.", "remove that file, or put back what it held before")
        if word.text.startswith("-") and not word.text.startswith("--") and "o" in word.text and "t" not in word.text:
            return change("`sort` writes a file.", "remove that file, or put back what it held before")
    return look("`sort` prints what it reads.")


def dmesg(call: Call) -> Effect:
    """Prints the kernel's messages; it can clear them and set their level."""
    if call.has(
        "--clear", "--read-clear", "--console-on", "--console-off", "--console-level", "-C", "-c", "-n", "-D", "-E"
    ):
        return change("`dmesg` clears the kernel's messages or sets what the console shows.")
    return look("`dmesg` prints the kernel's messages.")


def hostname(call: Call) -> Effect:
    """Prints the machine's name; with a bare word it sets it."""
    if any(not word.is_option for word in call.arguments) or call.has("-F", "--file", "-b", "--boot"):
        return change("`hostname` sets the machine's name.", "set the name that it had before")
    return look("`hostname` prints the machine's name.")


def host(call: Call) -> Effect:
    """Asks for a name, of one server at most."""
    values = sum(call.has(option) for option in ("-t", "-c", "-W", "-m", "-N", "-R"))
    if sum(not word.is_option for word in call.arguments) > MOST_ASKED + values:
        return unknown("`host` asks for one name: this is no call of it.")
    return look("`host` asks the network.")


def reset(call: Call) -> Effect:
    """Mends the terminal; with arguments it is more likely the end of another command."""
    if call.arguments:
        return unknown("Of `reset` with arguments we do not know what it does.")
    return look("`reset` mends the terminal.")


def ripgrep(call: Call) -> Effect:
    """Prints lines that match; `--pre` runs a program on each file."""
    if call.has("--pre", "--hostname-bin"):
        return change("`rg` runs a program on each file.")
    return look("`rg` prints what it reads.")


def programs() -> dict[str, Judge]:
    """Returns the judges of these programs by name."""
    return {
        **simple(SHOWING),
        **simple(ODD, WRITING),
        "date": date,
        "uniq": uniq,
        "xxd": xxd,
        "sort": sort,
        "dmesg": dmesg,
        "hostname": hostname,
        "host": host,
        "reset": reset,
        "rg": ripgrep,
    }
