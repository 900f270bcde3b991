"""Image stores whose files this server can reach: it downloads to them, hands them out and removes them.

Such a store is *real*: its URL is ``file:///directory``, or the detail ``directory`` says where it is mounted on every
computer that a server runs on. Every other store is simulated: it holds no bytes.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from cloudsim.core.errors import InvalidValue

#: The detail that says where a store's files are found.
DETAIL = "directory"
#: Seconds that a look at the file system may take.
LIMIT = 10.0


def directory_of(url: str | None, details: Mapping[str, str]) -> str | None:
    """Where the files of a store lie on this computer, as its URL or its details say; None: it is simulated.

    Raises `InvalidValue`.
    """
    given = next((value for key, value in details.items() if key.lower() == DETAIL), None)
    if url is not None and url.lower().startswith("file:"):
        if given is not None:
            raise InvalidValue("a file:// URL says where the directory is: give no detail of that name")
        parts = urlsplit(url)
        if parts.netloc or parts.query or parts.fragment:
            raise InvalidValue("the URL of a directory is file:///path")
        given = unquote(parts.path)
    if given is None:
        return None
    path = PurePosixPath(given)
    if not path.is_absolute() or ".." in path.parts or path == PurePosixPath("/") or not given.isprintable():
        raise InvalidValue(f"'{given[:100]}' is not the path of a directory")
    return str(path)


async def check(url: str | None, details: Mapping[str, str]) -> None:
    """Raises `InvalidValue` where a store's files are said to lie where there is no directory that can be written to."""
    directory = directory_of(url, details)
    if directory is None:
        return

    def look() -> str | None:
        path = Path(directory)
        try:
            if not path.is_dir():
                return "is not there"
            return None if os.access(path, os.R_OK | os.W_OK | os.X_OK) else "cannot be written to"
        except OSError as error:
            return error.strerror or "cannot be looked at"

    try:
        wrong = await asyncio.wait_for(asyncio.to_thread(look), LIMIT)
    except TimeoutError:
        wrong = "does not answer"
    if wrong is not None:
        raise InvalidValue(f"directory {directory[:100]} {wrong}")


__all__ = ["DETAIL", "check", "directory_of"]
