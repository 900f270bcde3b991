"""The files of noVNC, from the package of that name: read where it lies, for importing it would start things."""

from __future__ import annotations

import importlib.util
import zipfile
from functools import cache
from pathlib import Path

#: What browsers are given: the library, not its own page and tests.
_FOLDERS = ("core/", "vendor/")
_ARCHIVE = "resources/novnc_server.zip"


class Missing(Exception):
    """The package is not there, or is not as it was; the text says what would help."""


@cache
def files() -> dict[str, bytes]:
    """Every script by its path, such as ``core/rfb.js``. Raises `Missing`."""
    spec = importlib.util.find_spec("novnc")
    for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
        try:
            with zipfile.ZipFile(Path(folder) / _ARCHIVE) as archive:
                found = {
                    name: archive.read(name)
                    for name in archive.namelist()
                    if name.startswith(_FOLDERS) and name.endswith(".js")
                }
        except (OSError, zipfile.BadZipFile) as error:
            raise Missing(f"noVNC cannot be read: {error}; install the package novnc again") from error
        if "core/rfb.js" in found:
            return found
    raise Missing("noVNC is not there: install the package novnc")
