"""What a drill's watchdog does while the drill lives: nothing but wait, in a Python that loads nothing of ours.

    python -I -S watchdog_wait.py OWNER_PID MODULE [SUPERIOR_FD]

Standard input is a pipe from the drill. `journal PATH` names a journal; it is opened at once, so that it can be read
even when the folder is gone later. `end` says that everything was undone. When the pipe closes before that, the drill
has died, however that happened, and this process becomes MODULE, which undoes what the journals hold. A second pipe may
come from a superior, which runs many drills: when that one dies, the drill is killed first.

A drill that is merely stopped keeps its pipe open, and is left alone. Where a fork of the drill keeps the pipe open
after its death, the change of our parent shows it.
"""

from __future__ import annotations

import os
import select
import signal
import sys

_LOOK_EVERY_MS = 1000
_DYING_MS = 20  # a process closes its files a moment before it is gone
_PIPE = 0


class Drill:
    """The drill that is guarded, and what it has said so far.

    Args:
        owner: its process id.
    """

    def __init__(self, owner: int) -> None:
        self._owner = owner
        self._rest = b""
        self.journals: list[tuple[str, int]] = []
        self.ended_well = False

    def lives(self) -> bool:
        """Whether it is there, running or stopped; its pid is not given out again while we are its child."""
        return os.getppid() == self._owner

    def kill(self) -> None:
        """End it."""
        if self.lives():
            os.kill(self._owner, signal.SIGKILL)

    def hear(self) -> bool:
        """Take what it has said; False when it has closed the pipe."""
        received = os.read(_PIPE, 65536)
        *lines, self._rest = (self._rest + received).split(b"\n")
        for line in lines:
            self.ended_well = self.ended_well or line == b"end"
            self.journals += opened(os.fsdecode(line.removeprefix(b"journal ")))
        return bool(received)


def wait(drill: Drill, superior: int | None) -> None:
    """Return when the drill has died or has said that it ended well."""
    poll = select.poll()
    for fd in (_PIPE,) if superior is None else (_PIPE, superior):
        poll.register(fd, select.POLLIN)
    look_every_ms = _LOOK_EVERY_MS
    while drill.lives() and not drill.ended_well:
        for fd, _event in poll.poll(look_every_ms):
            if fd == superior:
                drill.kill()
                poll.unregister(fd)
            elif not drill.hear():
                poll.unregister(fd)
                look_every_ms = _DYING_MS
    while not drill.ended_well and select.select([_PIPE], [], [], 0)[0] and drill.hear():
        pass


def opened(path: str) -> list[tuple[str, int]]:
    """The journal at `path` with its open file, which an `exec` keeps; none where there is none."""
    try:
        fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW)
    except OSError:
        return []
    os.set_inheritable(fd, True)  # noqa: FBT003 - it takes no names
    return [(path, fd)]


def main() -> None:
    """Wait, and become what undoes."""
    drill, module = Drill(int(sys.argv[1])), sys.argv[2]
    wait(drill, int(sys.argv[3]) if len(sys.argv) > 3 else None)  # noqa: PLR2004 - the third is optional
    if drill.journals and not drill.ended_well:
        pairs = [text for path, fd in drill.journals for text in (path, str(fd))]
        os.execv(sys.executable, [sys.executable, "-P", "-m", module, *pairs])  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main()
