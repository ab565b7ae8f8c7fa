"""Python on the command line: a look only when every call in it is one that we know to change nothing."""

from __future__ import annotations

import ast
from typing import Final

from leakdrill.runbooks.shell.programs.effect import Effect, look, unknown

MODULES: Final = frozenset(
    """json sys math time datetime re collections itertools functools statistics string textwrap decimal base64 hashlib platform
    socket ssl uuid csv pprint struct zlib urllib urllib.parse calendar locale sysconfig site importlib.metadata email
    torch numpy pandas yaml psutil os os.path tracemalloc gc pkgutil ast binascii unicodedata ipaddress random""".split()
)
"""Modules whose import does nothing."""
OF_OS: Final = frozenset(
    {
        "environ",
        "getenv",
        "path",
        "listdir",
        "getpid",
        "stat",
        "cpu_count",
        "getcwd",
        "uname",
        "getloadavg",
        "statvfs",
        "sep",
    }
)
CALLS: Final = frozenset(
    """print len sorted sum min max abs round int float str bool list dict set tuple range enumerate zip map filter any all repr
    type isinstance hex bin chr ord format reversed iter next divmod bytes id hash load loads dumps get keys values items split
    rsplit splitlines strip lstrip rstrip join lower upper title startswith endswith find count index decode encode append
    extend read readline readlines isdigit search match findall finditer group groups compile sub total_seconds now utcnow today
    strftime strptime fromtimestamp timestamp isoformat time sleep ctime perf_counter memory_summary memory_allocated
    memory_reserved max_memory_allocated max_memory_reserved memory_stats mem_get_info is_available device_count get_device_name
    get_device_properties current_device version python_version node system machine gethostname gethostbyname getaddrinfo
    virtual_memory swap_memory memory_info memory_full_info memory_percent cpu_percent disk_usage process_iter Process
    num_fds open_files num_threads net_connections getenv listdir stat cpu_count getcwd uname getloadavg exists isfile isdir
    getsize basename dirname get_objects get_count get_stats getsizeof Counter most_common defaultdict timedelta datetime
    b64decode b64encode hexdigest sha256 md5 quote unquote urlparse urlencode safe_load pprint mean median stdev ceil floor sqrt
    log uuid4 get_platform getsitepackages items fromisoformat date""".split()
)
"""Functions and methods that change nothing, by their last name, whatever object they belong to in the modules above."""
READ_MODES: Final = frozenset({"r", "rb", "rt", "br"})


def python_effect(code: str) -> Effect:
    """Says what a program of Python does."""
    try:
        tree = ast.parse(code.strip())
        reason = next(filter(None, map(_doubt, ast.walk(tree))), None)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return unknown("Python does not read this program.")
    if reason is not None:
        return unknown(f"The Python program {reason}.")
    return look("The Python program only computes and prints.")


def _doubt(node: ast.AST) -> str | None:
    if isinstance(node, ast.Import):
        odd = [alias.name for alias in node.names if alias.name not in MODULES or (alias.asname and alias.name == "os")]
        return f"imports {odd[0]}" if odd else None
    if isinstance(node, ast.ImportFrom):
        odd_name = node.level or node.module not in MODULES or node.module == "os"
        return f"imports from {node.module}" if odd_name else _imported(node)
    if isinstance(node, ast.Call):
        return _called(node)
    if isinstance(node, ast.Attribute):
        return _attribute(node)
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Delete | ast.With | ast.AsyncWith):
        return "defines or deletes something" if not isinstance(node, ast.With) else None
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id in CALLS:
        return f"gives {node.id} a meaning of its own"
    return None


def _imported(node: ast.ImportFrom) -> str | None:
    odd = [alias for alias in node.names if alias.name not in CALLS or alias.asname]
    fine = {"environ", "path", "stdin", "argv"}
    return next((f"imports {alias.name}" for alias in odd if alias.name not in fine or alias.asname), None)


def _attribute(node: ast.Attribute) -> str | None:
    if node.attr.startswith("__") and node.attr not in {"__version__", "__file__", "__name__"}:
        return f"reaches for {node.attr}"
    if isinstance(node.value, ast.Name) and node.value.id == "os" and node.attr not in OF_OS:
        return f"calls os.{node.attr}"
    if not isinstance(node.ctx, ast.Load):
        return f"sets {node.attr}"
    return None


def _is_json(function: ast.expr) -> bool:
    value = function.value if isinstance(function, ast.Attribute) else None
    return isinstance(value, ast.Name) and value.id in {"json", "ast"}


def _called(node: ast.Call) -> str | None:
    name = (
        node.func.attr
        if isinstance(node.func, ast.Attribute)
        else node.func.id
        if isinstance(node.func, ast.Name)
        else ""
    )
    if name == "open" and isinstance(node.func, ast.Name):
        modes = [*node.args[1:2], *(keyword.value for keyword in node.keywords if keyword.arg == "mode")]
        fine = all(isinstance(mode, ast.Constant) and mode.value in READ_MODES for mode in modes)
        return None if fine else "opens a file to write"
    if name == "exit":
        return None
    if name in {"collect", "empty_cache", "malloc_trim"}:
        return "frees memory of a process of its own, which is not the service's"
    if name in {"load", "loads"} and not _is_json(node.func):
        return f"calls {name}, which may run what it reads"
    return (
        None
        if name in CALLS
        else f"calls {name or 'what it computes'}, of which we do not know that it changes nothing"
    )
