"""Skips a test where a package is missing, without importing it: an import without the backends' care would
report to the runtime's makers and leave a number in the user's home."""

from __future__ import annotations

from importlib.util import find_spec

import pytest


def needs(*packages: str) -> None:
    """Skip the test that calls this unless all `packages` are installed."""
    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} not installed", allow_module_level=True)
