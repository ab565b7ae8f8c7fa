"""Runs a command as root of a small virtual machine with a Debian kernel, where control groups are of version 2 alone.

The machine sees this one's files, read-only, below a layer in its memory; so it has this Python, this repository and
nothing to install. Its kernel and the few modules that this takes come from Debian's package, which apt verifies; it is
not installed. The processor is emulated, so it needs no KVM and is some times slower.
"""

from __future__ import annotations

import argparse
import gzip
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).resolve().parent
REPOSITORY: Final = HERE.parents[1]
CACHE: Final = REPOSITORY / ".cache" / "kernel"
PROGRAMS: Final = ("qemu-system-x86_64", "busybox", "cpio", "dpkg-deb", "apt-get")
PACKAGES: Final = "qemu-system-x86 busybox-static cpio"
MODULES: Final = ("virtio_pci", "virtio_rng", "9pnet_virtio", "9p", "overlay")
MEMORY_MIB: Final = 2048
STATUS: Final = re.compile(r"exit status in the virtual machine: (\d+)")
NO_ANSWER: Final = 4


def kernel_folder(package: str) -> Path:
    """The unpacked kernel `package` of Debian, fetched when it is not there yet."""
    depends = _output("apt-cache", "depends", package)
    real = re.search(r"Depends: (linux-image-\d\S+)", depends)
    name = real.group(1) if real else package
    folder = CACHE / name
    if not folder.is_dir():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
            subprocess.run(
                ["apt-get", "download", "-qq", "-o", "APT::Sandbox::User=root", name], cwd=scratch, check=True
            )
            unpacked = Path(scratch) / "unpacked"
            subprocess.run(["dpkg-deb", "-x", *map(str, Path(scratch).glob("*.deb")), str(unpacked)], check=True)
            if (unpacked / "usr/lib/modules").is_dir() and not (unpacked / "lib").exists():
                (unpacked / "lib").symlink_to("usr/lib")
            subprocess.run(["busybox", "depmod", "-b", str(unpacked), _version(unpacked)], check=True)
            unpacked.rename(folder)
    return folder


def _version(kernel: Path) -> str:
    return next((kernel / "lib/modules").iterdir()).name


def modules(kernel: Path) -> list[Path]:
    """The files of `MODULES` and of what they need, in the order in which they are loaded."""
    folder = kernel / "lib/modules" / _version(kernel)
    rows = [line.split() for line in (folder / "modules.dep").read_text().splitlines()]
    needs = {row[0].rstrip(":"): row[1:] for row in rows}
    by_name = {Path(file).name.split(".")[0].replace("-", "_"): file for file in needs}
    wanted = [file for name in MODULES if (file := by_name.get(name.replace("-", "_")))]
    ordered = [file for one in wanted for file in (*reversed(needs[one]), one)]
    return [folder / file for file in dict.fromkeys(ordered)]


def make_initramfs(kernel: Path, command: str, target: Path) -> None:
    """Write to `target` what the kernel starts from: busybox, the modules, `init` and `command`."""
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        for name in ("bin", "modules", "proc", "sys", "dev"):
            (root / name).mkdir()
        busybox = shutil.which("busybox")
        assert busybox
        shutil.copy(busybox, root / "bin/busybox")
        shutil.copy(HERE / "init", root / "init")
        (root / "init").chmod(0o755)
        (root / "command").write_text(command)
        files = modules(kernel)
        for file in files:
            shutil.copy(file, root / "modules")
        (root / "modules/order").write_text("\n".join(file.name for file in files))
        names = "\n".join(str(path.relative_to(root)) for path in sorted(root.rglob("*")))
        made = subprocess.run(
            ["cpio", "--create", "--format=newc", "--quiet"],
            input=names.encode(),
            cwd=root,
            capture_output=True,
            check=True,
        )
        target.write_bytes(gzip.compress(made.stdout, 1))


def boot(kernel: Path, initramfs: Path, *, timeout_s: float) -> int:
    """Boot, show the console, and return the exit status of the command; `NO_ANSWER` when it gave none in time."""
    image = next((kernel / "boot").glob("vmlinuz-*"))
    options = f"-nodefaults -no-reboot -display none -serial stdio -smp 2 -m {MEMORY_MIB} -machine q35 -cpu max"
    files = "local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap"
    argv = [
        "qemu-system-x86_64", *options.split(), "-accel", "tcg,thread=multi",
        "-device", "virtio-rng-pci", "-virtfs", files,
        "-kernel", str(image), "-initrd", str(initramfs),
        "-append", "console=ttyS0 quiet panic=-1 cgroup_no_v1=all",
    ]  # fmt: skip
    status = NO_ANSWER
    with subprocess.Popen(
        argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, errors="replace"
    ) as machine:
        assert machine.stdout
        killer = threading.Timer(timeout_s, machine.kill)
        killer.start()
        try:
            for line in machine.stdout:
                sys.stdout.write(line.replace("\r", ""))
                sys.stdout.flush()
                if found := STATUS.search(line):
                    status = int(found.group(1))
        finally:
            killer.cancel()
            machine.kill()
    return status


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def main() -> int:
    """Run the command of the command line, by default the tests beside this file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kernel", default="linux-image-amd64", help="a package of Debian's (default: %(default)s)")
    parser.add_argument("--timeout", type=float, default=300, help="seconds (default: %(default)s)")
    parser.add_argument("command", nargs="*", help="what to run in the repository (default: the tests of version 2)")
    given = parser.parse_args()
    missing = [name for name in PROGRAMS if not shutil.which(name)]
    if missing:
        sys.stderr.write(f"missing: {', '.join(missing)}\nHint: apt-get install --no-install-recommends {PACKAGES}\n")
        return NO_ANSWER
    tests = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:xdist", "tests/cgroup_v2"]
    command = f"cd {shlex.quote(str(REPOSITORY))} && {shlex.join(given.command or tests)}\n"
    kernel = kernel_folder(given.kernel)
    with tempfile.TemporaryDirectory() as scratch:
        initramfs = Path(scratch) / "initramfs"
        make_initramfs(kernel, f"export PATH={shlex.quote(_path())} HOME=/root\n{command}", initramfs)
        return boot(kernel, initramfs, timeout_s=given.timeout)


def _path() -> str:
    return "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


if __name__ == "__main__":
    sys.exit(main())
