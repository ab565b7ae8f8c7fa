"""The standard library for the agent, whatever modules the service has under the same names; Python 3.9 and later.

A service's own folder stands first on its `sys.path`: `import json` finds the `json.py` there, and must go on finding
it. What the service has loaded of the standard library is shared with it; everything else is loaded under names of the
agent's own, so that nothing of the service is run, replaced or hidden. Tried and rejected: taking the service's modules
out of `sys.modules` for a moment, which its other threads may see.
"""

import _frozen_importlib as frozen
import _frozen_importlib_external as external
import builtins
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_OWN = "leakdrill_agent_standard."
_IMPORTING_FROM_C = ("_pickle",)
"""Modules in C that import others from there, where nothing can be served; `pickle` works without."""
_OTHERS = ("site-packages", "dist-packages")


class Standard:
    """Imports from the standard library alone.

    Attributes:
        builtins: what a module gets as `__builtins__` whose imports are to be served here.
    """

    def __init__(self) -> None:
        self._home = os.path.dirname(os.__file__)  # noqa: PTH120 - pathlib would be an import
        self._path = [self._home, self._home + "/lib-dynload"]
        self.builtins = {**vars(builtins), "__import__": self._import}

    def _import(
        self,
        name: str,
        globals: "Any" = None,  # noqa: A002 - as Python calls it
        _locals: object = None,
        fromlist: "Any" = (),
        level: int = 0,
    ) -> "Any":
        """Do what `__import__` does."""
        if level:
            package = globals["__package__"][len(_OWN) :].rsplit(".", level - 1)[0]
            name = f"{package}.{name}" if name else package
        module = self.load(name)
        if not fromlist:
            return self.load(name.partition(".")[0])
        for part in fromlist:
            if not hasattr(module, part) and hasattr(module, "__path__") and part != "*":
                self.load(f"{name}.{part}")
        return module

    def load(self, name: str) -> "Any":
        """Returns the module `name` of the standard library.

        Raises:
            ImportError: when it has none.
        """
        owner, _, last = name.rpartition(".")
        parent = self.load(owner) if owner else None
        loaded = sys.modules.get(name)
        if loaded is not None and self._has(loaded):
            return frozen._gcd_import(name)  # type: ignore[attr-defined]  # noqa: SLF001 - waits where another thread is still loading it
        if _OWN + name in sys.modules:
            return sys.modules[_OWN + name]
        if name in _IMPORTING_FROM_C:
            raise ModuleNotFoundError(f"{name} may import what is the service's", name=name)
        found = frozen.BuiltinImporter.find_spec(name) or external.PathFinder.find_spec(
            name, parent.__path__ if parent else self._path
        )
        if found is None:
            raise ModuleNotFoundError(f"the standard library has no {name}", name=name)
        if not self._of_its_own(found, parent):
            return frozen._gcd_import(name)  # type: ignore[attr-defined]  # noqa: SLF001
        module = self._loaded(name, found)
        if parent:
            setattr(parent, last, module)
        return module

    def _has(self, module: "Any") -> bool:
        spec = getattr(module, "__spec__", None)
        origin = getattr(spec, "origin", None) or ""
        rest = origin[len(self._home) :]
        return origin in ("built-in", "frozen") or (
            origin.startswith(self._home + "/") and not any(folder in rest for folder in _OTHERS)
        )

    def _of_its_own(self, found: "Any", parent: "Any") -> bool:
        """Whether the agent needs a module of its own; one in C that nothing hides imports nothing and is shared."""
        if isinstance(found.loader, (external.SourceFileLoader, external.SourcelessFileLoader)):
            return parent is None or parent.__name__.startswith(_OWN)
        if not isinstance(found.loader, external.ExtensionFileLoader):
            return False
        seen = external.PathFinder.find_spec(found.name)
        return seen is None or seen.origin != found.origin or found.name in sys.modules

    def _loaded(self, name: str, found: "Any") -> "Any":
        loader = type(found.loader)(_OWN + name, found.origin)
        spec = external.spec_from_file_location(
            loader.name, found.origin, loader=loader, submodule_search_locations=found.submodule_search_locations
        )
        module: Any = frozen.module_from_spec(spec)  # type: ignore[arg-type]  # a loader was given
        module.__builtins__ = self.builtins
        sys.modules[loader.name] = module
        try:
            loader.exec_module(module)
        except BaseException:
            del sys.modules[loader.name]
            raise
        return sys.modules[loader.name]  # `collections.abc` puts another in its place
