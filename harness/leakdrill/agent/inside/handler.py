"""The handler of the harness's queries inside the target: loaded with the first one; Python 3.9 and later.

Nothing of the harness can be imported here. The commands are the keys of `_COMMANDS`. A query is one line of JSON,
`{"ask": "quiet", …}`, and so is the response, `{"answer": …}` or `{"error": "…"}`. A number that this interpreter or
this C library cannot tell is null, never a guess.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from collections import Counter
from time import perf_counter

TYPE_CHECKING = False  # typing would be an import, and C code of Python's own looks for it where a service may have one
if TYPE_CHECKING:
    from typing import Any

_QUALNAME: Any = type.__dict__["__qualname__"]
_MODULE: Any = type.__dict__["__module__"]


def respond(line: bytes) -> bytes:
    """Returns the response to one query, as a line."""
    try:
        query = json.loads(line)
        reply = {"answer": _COMMANDS[query.pop("ask")](**query)}
    except Exception as error:  # noqa: BLE001 - the harness hears of it; the target must not
        reply = {"error": f"{type(error).__name__}: {error}"}
    return json.dumps(reply).encode() + b"\n"


def ping() -> dict[str, Any]:
    """Returns which Python runs here, and on which allocators."""
    return {
        "pid": os.getpid(),
        "python": ".".join(map(str, sys.version_info[:3])),
        "implementation": sys.implementation.name,
        "allocator": _python_allocator(),
        "malloc": _libc().provider,
        "parent": os.getppid(),
        "argv": getattr(sys, "orig_argv", sys.argv),
    }


def collect(times: int = 1) -> list[Any]:
    """Returns the number of unreachable objects that each of so many full collections freed."""
    return [gc.collect() for _ in range(times)]


def trim() -> dict[str, Any]:
    """Give the heap's free pages back; returns whether any were, or why it cannot be done."""
    libc = _libc()
    if libc.why:
        return {"trimmed": None, "why": libc.why}
    return {"trimmed": bool(libc.library.malloc_trim(0)), "why": None}


def reading(objects: bool = True) -> dict[str, Any]:
    """Returns allocated blocks, the C heap, threads, and with `objects` how many objects the collector knows."""
    blocks = sys.getallocatedblocks() if hasattr(sys, "getallocatedblocks") else None
    figures = {
        "pid": os.getpid(),
        "blocks": blocks,
        "gc_count": list(gc.get_count()) if hasattr(gc, "get_count") else None,
        "gc_objects": len(gc.get_objects()) if objects else None,
        "threads": len(os.listdir("/proc/self/task")) - 1,  # noqa: PTH208 - and not ours
    }
    heap = _libc().heap()
    return {**figures, **heap, "live_bytes": _live(blocks, heap["uordblks_bytes"], heap["hblkhd_bytes"])}


def _live(blocks: int | None, in_heap: int | None, mapped: int | None) -> int | None:
    """Returns all bytes in use: malloc's, and those of Python's own allocator, whose blocks do not tell their size."""
    small = _small_object_bytes() if blocks else blocks
    if small is None or in_heap is None or mapped is None or not hasattr(_libc().library, "mallinfo2"):
        return None
    return small + in_heap + mapped


def _small_object_bytes() -> int | None:
    """Returns the bytes in blocks of Python's allocator; null where it cannot be asked.

    The interpreter only prints them (`sys._debugmallocstats`), to the C library's stderr, so descriptor 2 points into
    a memory file for half a millisecond. What another thread writes to it then is lost: at a quiescent point, nothing.
    """
    if not hasattr(sys, "_debugmallocstats") or not hasattr(os, "memfd_create"):
        return None
    try:
        printed = _printed_by_allocator()
    except OSError:
        return None
    _head, separator, rest = printed.partition(b"# bytes in allocated blocks")
    return int(rest.split(b"\n", 1)[0].strip(b" =").replace(b",", b"")) if separator else None


def _printed_by_allocator() -> bytes:
    memory = os.memfd_create("leakdrill")
    try:
        stderr = os.dup(2)
        try:
            os.dup2(memory, 2)
            sys._debugmallocstats()  # noqa: SLF001 - documented in the sys module's page, underscore and all
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
        return os.pread(memory, os.fstat(memory).st_size, 0)
    finally:
        os.close(memory)


def quiet(objects: bool = True) -> dict[str, Any]:
    """Collect twice (the second time what finalisers left), trim, and read."""
    began = perf_counter()
    collected = collect(2)
    known = len(gc.get_objects()) if objects else None  # the list itself must be gone before the heap is trimmed
    trimmed = trim()
    figures = reading(objects=False)
    figures.update(trimmed, collected=collected, gc_objects=known, seconds=perf_counter() - began)
    return figures


def types(top: int | None = None, sizes: bool = False, untracked: bool = False) -> dict[str, Any]:
    """Returns the objects by type: those the collector knows, and with `untracked` also strings, numbers and so on."""
    objects = gc.get_objects()
    if untracked:
        objects += _untracked(objects)
    kinds = {id(kind): kind for kind in map(type, objects)}
    counts: Counter[str] = Counter()
    for key, count in Counter(map(id, map(type, objects))).items():
        counts[_name(kinds[key])] += count
    summary: dict[str, Any] = {"total": len(objects), "counts": dict(counts.most_common(top)), "sizes": None}
    if sizes:
        summary["sizes"] = _sizes(objects, set(summary["counts"]))
    return summary


def _untracked(objects: list[Any]) -> list[Any]:
    """Returns the objects that `objects` refer to and the collector does not know, each once."""
    known = set(map(id, objects))
    untracked: list[Any] = []
    edge = objects
    while edge:
        fresh: dict[int, Any] = {}
        for at in range(0, len(edge), 1000):  # in parts, for the list of all references is long
            for thing in gc.get_referents(*edge[at : at + 1000]):
                if id(thing) not in known and not gc.is_tracked(thing):
                    fresh[id(thing)] = thing
        known.update(fresh)
        edge = list(fresh.values())
        untracked += edge
    return untracked


def _sizes(objects: list[Any], names: set[str]) -> dict[str, int]:
    """Returns the bytes by type, without what the objects refer to."""
    total: Counter[str] = Counter()
    for thing in objects:
        name = _name(type(thing))
        if name in names:
            try:
                total[name] += sys.getsizeof(thing)
            except Exception:  # noqa: BLE001, S112 - `__sizeof__` may be anybody's
                continue
    return dict(total)


def _name(kind: type) -> str:
    """Returns `module.Class`, without asking the class's own attributes, which may be anything."""
    module = _MODULE.__get__(kind)
    name = _QUALNAME.__get__(kind)
    return name if module == "builtins" or not isinstance(module, str) else f"{module}.{name}"


def _python_allocator() -> str:
    """Returns the allocator of Python's objects: `PYTHONMALLOC`, or what development mode or the build chose."""
    named = os.environ.get("PYTHONMALLOC", "")
    if named and not sys.flags.ignore_environment:
        return named
    chosen = "debug" if sys.flags.dev_mode else "default"
    return chosen if getattr(sys, "_is_gil_enabled", lambda: True)() else chosen + " (no GIL)"


class _Libc:
    """The C library's heap: `why` says what stands in the way of asking it."""

    def __init__(self) -> None:
        self.library: Any = None
        self.provider = "unknown"
        self.why: str | None = None
        self.mallinfo: Any = None
        try:
            self.find()
        except Exception as error:  # noqa: BLE001 - ctypes may be missing or forbidden
            self.why = f"the C library cannot be asked: {type(error).__name__}: {error}"

    def find(self) -> None:
        """Look up malloc's owner. A preloaded jemalloc leaves glibc's functions in place, which then know nothing."""
        import ctypes

        self.library = ctypes.CDLL(None)
        self.provider = _owner_of_malloc(self.library)
        if not hasattr(self.library, "gnu_get_libc_version"):
            self.why = "the C library is not glibc, which alone has malloc_trim and mallinfo"
        elif not self.provider.startswith("libc"):
            self.why = f"malloc is {self.provider} and not glibc's"
        else:
            self.mallinfo = _mallinfo(self.library)

    def heap(self) -> dict[str, int | None]:
        """Returns the bytes in the heap's segments, in use, free, and in mappings of their own; over all arenas."""
        names = ("arena_bytes", "uordblks_bytes", "fordblks_bytes", "hblkhd_bytes")
        if self.mallinfo is None:
            return dict.fromkeys(names)
        info = self.mallinfo()
        # Before glibc 2.33 they are ints of 32 bits, which wrap at 4 GiB.
        mask = 0xFFFFFFFF if info.narrow else -1
        return dict(zip(names, (n & mask for n in (info.arena, info.uordblks, info.fordblks, info.hblkhd))))


def _owner_of_malloc(library: Any) -> str:
    """Returns the file that `malloc` lies in, such as `libc.so.6` or `libjemalloc.so.2`.

    An interpreter that is linked to a fixed address, as Debian's is, has a stub of its own under that name. Then the
    first library in the order of the linker that defines it is the one: a preloaded one stands before the C library.
    """
    file, defined = _place_of_malloc(library)
    if not defined:
        file = next((path for path in _loaded(library) if _defines_malloc(path)), file)
    return os.path.basename(file) or "unknown"  # noqa: PTH119 - pathlib would be an import


def _place_of_malloc(library: Any) -> tuple[str, bool]:
    """Returns which file `malloc` of `library` lies in, and whether that file defines it. Source: dladdr(3)."""
    import ctypes

    class Place(ctypes.Structure):
        _fields_ = [("file", ctypes.c_char_p), *((name, ctypes.c_void_p) for name in ("base", "symbol", "address"))]

    class Symbol(ctypes.Structure):  # Elf64_Sym, elf(5)
        _fields_ = [("name", ctypes.c_uint32), ("info_other", ctypes.c_uint16), ("section", ctypes.c_uint16)]

    place, symbol = Place(), ctypes.POINTER(Symbol)()
    address = ctypes.cast(library.malloc, ctypes.c_void_p)
    arguments = (address, ctypes.byref(place), ctypes.byref(symbol), 1)  # 1: RTLD_DL_SYMENT
    wide = ctypes.sizeof(ctypes.c_void_p) == 8 and hasattr(library, "dladdr1")  # noqa: PLR2004 - bytes of 64 bits
    status = library.dladdr1(*arguments) if wide else library.dladdr(*arguments[:2])
    if not status or not place.file:
        return "", True
    return os.fsdecode(place.file), not (wide and symbol) or symbol.contents.section != 0  # 0: SHN_UNDEF


def _defines_malloc(path: str) -> bool:
    import ctypes

    try:
        return _place_of_malloc(ctypes.CDLL(path, mode=os.RTLD_NOLOAD | os.RTLD_LAZY))[0] == path
    except (OSError, AttributeError):
        return False


def _loaded(library: Any) -> list[str]:
    """Returns the libraries of this process, in the order in which the linker looks. Source: dl_iterate_phdr(3)."""
    import ctypes

    class Loaded(ctypes.Structure):
        _fields_ = [("base", ctypes.c_void_p), ("path", ctypes.c_char_p)]

    paths: list[str] = []

    def note(one: Any, _size: int, _data: Any) -> int:
        paths.append(os.fsdecode(one.contents.path or b""))
        return 0

    kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(Loaded), ctypes.c_size_t, ctypes.c_void_p)
    library.dl_iterate_phdr(kind(note), None)
    return [path for path in paths if path]


_MALLINFO = ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost")


def _mallinfo(library: Any) -> Any:
    """Returns `mallinfo2` of glibc 2.33 and later, else `mallinfo`."""
    import ctypes

    wide = hasattr(library, "mallinfo2")
    number = ctypes.c_size_t if wide else ctypes.c_int

    class Info(ctypes.Structure):
        _fields_ = [(name, number) for name in _MALLINFO]
        narrow = not wide

    function = library.mallinfo2 if wide else library.mallinfo
    function.restype = Info
    function.argtypes = []
    return function


_cached_libc: list[_Libc] = []


def _libc() -> _Libc:
    """Returns the C library, looked up once."""
    if not _cached_libc:
        _cached_libc.append(_Libc())
    return _cached_libc[0]


class _Tracing:
    """The commands for tracemalloc. A mark is kept here, in the target: it costs memory until `stop`."""

    mark: Any = None
    started = False

    def start(self, frames: int = 1) -> dict[str, Any]:
        """Trace from now on, unless the target does so already."""
        import tracemalloc

        if not tracemalloc.is_tracing():
            _filters()
            tracemalloc.start(frames)
            self.started = True
        return {"tracing": True, "frames": tracemalloc.get_traceback_limit()}

    def set_mark(self) -> dict[str, Any]:
        """Remember what is allocated now; later differences count from here."""
        import tracemalloc

        self.mark = None
        self.mark = _snapshot()
        return {"traced_bytes": tracemalloc.get_traced_memory()[0]}

    def diff(self, top: int = 10) -> list[dict[str, Any]]:
        """Returns the places whose allocations grew most since the mark, or since tracing began."""
        import tracemalloc

        key = "traceback" if tracemalloc.get_traceback_limit() > 1 else "lineno"
        now = _snapshot()
        changes = now.compare_to(self.mark, key) if self.mark else now.compare_to(tracemalloc.Snapshot((), 1), key)
        changes.sort(key=lambda change: -change.size_diff)
        return [_site(change) for change in changes[:top]]

    def stop(self) -> dict[str, Any]:
        """Forget the mark, and stop what we started."""
        import tracemalloc

        self.mark = None
        if self.started:
            tracemalloc.stop()
            self.started = False
        return {"tracing": tracemalloc.is_tracing()}


def _snapshot() -> Any:
    """Returns what is allocated, without what the agent and tracemalloc allocate themselves."""
    import tracemalloc

    return tracemalloc.take_snapshot().filter_traces(_filters())


def _filters() -> list[Any]:
    """Returns the filters that leave our own places out; their patterns are compiled before anything is traced."""
    import tracemalloc
    from fnmatch import fnmatch

    ours = (__file__, __file__.rpartition("/inside/")[0] + "/in*/*", tracemalloc.__file__)
    for name in ours:
        fnmatch("", name)
    return [tracemalloc.Filter(inclusive=False, filename_pattern=name, all_frames=True) for name in ours]


def _site(change: Any) -> dict[str, Any]:
    """Returns one place, the innermost frame last."""
    return {
        "frames": [f"{frame.filename}:{frame.lineno}" for frame in change.traceback],
        "size_bytes": change.size,
        "size_diff_bytes": change.size_diff,
        "count_diff": change.count_diff,
    }


_tracing = _Tracing()
_COMMANDS: dict[str, Any] = {
    "ping": ping,
    "collect": collect,
    "trim": trim,
    "reading": reading,
    "quiet": quiet,
    "types": types,
    "tracemalloc_start": _tracing.start,
    "tracemalloc_mark": _tracing.set_mark,
    "tracemalloc_diff": _tracing.diff,
    "tracemalloc_stop": _tracing.stop,
}
