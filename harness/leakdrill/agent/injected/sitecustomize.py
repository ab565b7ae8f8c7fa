"""Runs inside the target, in any Python from 3.9 on, and imports nothing but the standard library.

It lets the harness query this process: a thread sleeps on a private socket until somebody connects.

The folder of this file stands first on PYTHONPATH, so `site` imports it in every Python process of the target: whatever
its version (3.9 and later) and virtual environment. Many of them live for a moment and are never queried, so here is
only what must be ready: `listener.py` is loaded with the first caller or fork, `handler.py` with the first query. What
that imports comes from the standard library, by `standard.py`, whatever the service has of the same names. Real
sockets and threads are taken now, before gevent or others replace them, and the user's own `sitecustomize` runs as if
this one were not there. Whatever goes wrong disables the agent, says why in `<pid>.why` beside the socket, and leaves
the target alone.
"""

import os
import sys


class _Agent:
    """The listening socket of one process and its thread."""

    def __init__(self, folder: str) -> None:
        import _signal  # noqa: PLC0415 - only where an agent is wanted
        import _socket  # noqa: PLC0415
        import _thread  # noqa: PLC0415
        from time import sleep  # noqa: PLC0415

        self.parts = {}  # type: ignore[var-annotated]  # typing would be an import
        self.folder, self.here = folder, __file__.rpartition("/injected/")[0]
        self.socket, self.unix, self.stream = _socket.socket, _socket.AF_UNIX, _socket.SOCK_STREAM
        self.signal, self.sleep = _signal, sleep
        self.new_thread, self.new_lock = _thread.start_new_thread, _thread.allocate_lock
        self.ident, self.native_id = _thread.get_ident, _thread.get_native_id
        self.open()
        self.start()
        os.register_at_fork(
            before=lambda: self.forks("before_fork"),
            after_in_parent=lambda: self.forks("after_fork"),
            after_in_child=lambda: self.forks("in_child", sys._getframe(1)),  # noqa: SLF001 - who forks
        )

    def open(self) -> None:
        """Listen as `<pid>.sock`, a name that it gets only when it is ready."""
        self.listener = self.socket(self.unix, self.stream)
        self.listener.setblocking(True)  # noqa: FBT003 - whatever default the target has set
        # The address of a unix socket has room for 107 bytes, and run folders are deep.
        folder = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            place = f"/proc/self/fd/{folder}/{os.getpid()}"
            if os.path.lexists(place + ".new"):
                os.unlink(place + ".new")  # noqa: PTH108 - pathlib would be an import
            self.listener.bind(place + ".new")
            # The folder is its owner's alone; in a container another user serves than the one who asks.
            os.chmod(place + ".new", 0o666)  # noqa: PTH101, S103
            self.listener.listen(8)
            os.rename(place + ".new", place + ".sock")  # noqa: PTH104
        finally:
            os.close(folder)
        self.inode = os.fstat(self.listener.fileno()).st_ino

    def start(self) -> None:
        """Begin to serve. Every signal stays with the target's own threads, which may wait for it with `sigwait`."""
        self.lock, self.rested = self.new_lock(), self.new_lock()
        self.rested.acquire()
        self.forking, self.alive, self.thread = False, True, (0, 0)
        mask = self.signal.pthread_sigmask(self.signal.SIG_BLOCK, self.signal.valid_signals())
        try:
            self.new_thread(self.serve, ())
        finally:
            self.signal.pthread_sigmask(self.signal.SIG_SETMASK, mask)

    def serve(self) -> None:
        """Wait for the first caller; the rest is in `listener.py`."""
        self.thread = (self.ident(), self.native_id())
        try:
            try:
                first = self.listener._accept()[0]  # type: ignore[attr-defined]  # noqa: SLF001 - a raw socket has no other
            except OSError:
                first = None
            self.part("listener").serve(self, first)
        except Exception as error:  # noqa: BLE001 - nothing may reach the target
            self.alive = False
            self.note(f"the agent stopped: {error!r}")
        self.rested.release()

    def forks(self, step: str, *arguments: object) -> None:
        """Do what `listener.py` does before and after a fork."""
        try:
            getattr(self.part("listener"), step)(self, *arguments)
        except Exception as error:  # noqa: BLE001 - nothing may reach the target
            self.note(f"the agent did not get over a fork: {error!r}")

    def note(self, why: str) -> None:
        """Leave a reason where the harness looks for it."""
        _note(self.folder, why)

    def part(self, name: str):  # type: ignore[no-untyped-def]  # noqa: ANN202 - typing would be an import
        """A file of `inside/`, loaded when first needed and kept out of `sys.modules`."""
        if name not in self.parts:
            import _frozen_importlib_external as external  # noqa: PLC0415

            loader = external.SourceFileLoader("leakdrill_agent_" + name, f"{self.here}/inside/{name}.py")
            module = type(sys)(loader.name)
            module.__file__ = loader.path
            if name == "handler":  # the service may have modules under the names of those that it imports
                vars(module)["__builtins__"] = self.part("standard").Standard().builtins
            loader.exec_module(module)
            self.parts[name] = module
        return self.parts[name]


def _note(folder: str, why: str) -> None:
    """Leave a reason where the harness looks for it, if that is possible."""
    try:
        with open(f"{folder}/{os.getpid()}.why", "w", encoding="utf-8") as file:  # noqa: PTH123
            file.write(why + "\n")
    except OSError:
        return


def _listen() -> None:
    """Start the agent where the harness asked for one."""
    folder = os.environ.get("LEAKDRILL_AGENT")
    if folder:
        try:
            _Agent(folder)
        except Exception as error:  # noqa: BLE001 - nothing may reach the target
            _note(folder, f"the agent did not start: {error!r}")


def _give_way() -> None:
    """Leave the path, and run the `sitecustomize` that would have run without us; its errors are its own."""
    import _frozen_importlib  # noqa: PLC0415
    import _frozen_importlib_external as external  # noqa: PLC0415

    here = __file__.rpartition("/")[0]
    rest = sys.path
    if here in sys.path:
        at = sys.path.index(here)
        rest = sys.path[at + 1 :]  # whoever stands before us has run already and called us
        del sys.path[at]
    spec = external.PathFinder.find_spec("sitecustomize", rest)
    if spec is None or spec.loader is None or spec.origin == __file__:
        return
    module = sys.modules["sitecustomize"] = _frozen_importlib.module_from_spec(spec)
    spec.loader.exec_module(module)


_listen()
_give_way()
