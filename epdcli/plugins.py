"""Finds plug-ins by entry points: backends, detectors and methods, ours and a stranger's alike.

Looking reads package metadata only; a plug-in's code is imported when it is asked for by name, so that one
that is broken, not installed completely or declared twice harms nobody else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from typing import Any

from epdcli.errors import BackendBroken, BackendNotFound, BackendNotInstalled, PluginNotFound, SetupError

# Which of our extras brings a module, and the packages whose names differ from their module's.
_EXTRAS = {
    "dlib": "dlib", "imagecodecs": "formats", "jpegio": "formats", "matplotlib": "evaluate", "onnx": "export",
    "onnxruntime": "onnxruntime", "openvino": "openvino", "pillow_heif": "formats", "scipy": "evaluate",
    "sklearn": "evaluate", "tifffile": "formats", "torch": "torch",
}  # fmt: skip
_PACKAGES = {"PIL": "pillow", "cv2": "opencv-python-headless", "skimage": "scikit-image"}
BACKENDS = "epd.backends"
DETECTORS = "epd.detectors"
METHODS = "epd.methods"


@dataclass(frozen=True)
class Plugin:
    """A declared plug-in, not imported yet. `rivals` are the distributions that declare the name as well."""

    group: str
    name: str
    distribution: str
    version: str
    entry_point: EntryPoint
    rivals: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        return self.group.removeprefix("epd.").removesuffix("s")

    def load(self) -> Any:
        """Import the plug-in and return what its entry point names.

        Raises BackendNotInstalled when a package it needs is missing, BackendBroken when it fails in any
        other way or several distributions claim its name.
        """
        if self.rivals:
            claimants = ", ".join((self.distribution, *self.rivals))
            raise BackendBroken(
                f"The {self.kind} {self.name} is declared by several packages: {claimants}.",
                hint="Uninstall all but one of them.",
            )
        try:
            return self.entry_point.load()
        except ModuleNotFoundError as error:
            missing = error.name or ""
            if missing.partition(".")[0] == self.entry_point.module.partition(".")[0]:
                raise BackendBroken(self._broken(error), hint=self._reinstall) from error
            raise BackendNotInstalled(
                f"The {self.kind} {self.name} of {self.distribution} needs the package {missing}.",
                hint=f"Run: pip install {missing.partition('.')[0]}",
            ) from error
        except Exception as error:  # a stranger's code may raise anything; it harms its own name only
            raise BackendBroken(self._broken(error), hint=self._reinstall) from error

    def _broken(self, error: Exception) -> str:
        told = f"{type(error).__name__}: {error}"
        return f"The {self.kind} {self.name} of {self.distribution} {self.version} does not load: {told}"

    @property
    def _reinstall(self) -> str:
        return f"Try: pip install --force-reinstall {self.distribution}"


def not_installed(error: ImportError) -> SetupError:
    """What to say of a package that can't be imported, and the line that brings it."""
    module = (error.name or "").partition(".")[0]
    if not isinstance(error, ModuleNotFoundError):
        return SetupError(
            f"The package {module or 'of a plug-in'} does not load: {error}.",
            hint=f"Try: pip install --force-reinstall {_PACKAGES.get(module, module) or 'epdcli[all]'}",
        )
    return SetupError(f"This needs the package {module}.", hint=f"Run: pip install {_line(module)}")


def require_modules(what: str, *modules: str) -> None:
    """Raise SetupError, with the line to paste, unless all modules that `what` needs can be imported."""
    missing = [module for module in modules if not _is_there(module)]
    if missing:
        raise SetupError(
            f"{what} needs {'the packages' if len(missing) > 1 else 'the package'} {', '.join(missing)}.",
            hint=f"Run: pip install {_line(*missing)}",
        )


def _line(*modules: str) -> str:
    """What to install for modules: our extras, where there are such."""
    extras = sorted({_EXTRAS[module] for module in modules if module in _EXTRAS})
    others = [_PACKAGES.get(module, module) for module in modules if module not in _EXTRAS]
    return " ".join([*([f'"epdcli[{",".join(extras)}]"'] if extras else []), *others])


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def find_plugins(group: str) -> Mapping[str, Plugin]:
    """The plug-ins declared in an entry-point group, by name, in alphabetical order. Imports none of them."""
    found: dict[str, Plugin] = {}
    for entry_point in sorted(entry_points(group=group), key=lambda item: (item.name, item.value)):
        distribution = entry_point.dist.name if entry_point.dist else "an unknown package"
        version = entry_point.dist.version if entry_point.dist else ""
        plugin = Plugin(group, entry_point.name, distribution, version, entry_point)
        known = found.get(plugin.name)
        if known is None:
            found[plugin.name] = plugin
        elif (known.distribution, known.entry_point.value) != (distribution, entry_point.value):
            rivals = (*known.rivals, distribution)
            found[plugin.name] = Plugin(
                group, known.name, known.distribution, known.version, known.entry_point, rivals
            )
    return found


def load_plugin(group: str, name: str) -> Any:
    """What the plug-in `name` of a group is: a class to call. Only this one is imported.

    Raises PluginNotFound (no such name; BackendNotFound for a backend), BackendNotInstalled (a package is
    missing, with the pip line) or BackendBroken (it does not load, or is declared twice).
    """
    plugins = find_plugins(group)
    if name not in plugins:
        kind = group.removeprefix("epd.").removesuffix("s")
        close = get_close_matches(name, plugins, n=1)
        guess = f"Did you mean {close[0]}? " if close else ""
        known = ", ".join(plugins) or f"none: install epdcli with pip, so that its {kind}s are declared"
        error = BackendNotFound if group == BACKENDS else PluginNotFound
        raise error(f"There is no {kind} {name}.", hint=f"{guess}Known: {known}.")
    return plugins[name].load()
