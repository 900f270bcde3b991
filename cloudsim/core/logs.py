"""Log lines: one a line, with the request and the job they belong to, and no secret in them."""

from __future__ import annotations

import json
import logging
import re
import sys
import time
from collections.abc import Callable

#: What must not be written, wherever it stands: signatures, keys, passwords, session keys, passwords in URLs.
_SECRETS = re.compile(
    r"(?i)(\w*(?:signature|api_?key|secret_?key|password|session_?key|userdata|jsessionid|codefor2fa|secretcode))"
    r"(['\"]?\s*[=:]\s*['\"]?)[^\s&'\",;]+"
    r"|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"
)


def without_secrets(text: str) -> str:
    """A text with everything that looks like a secret taken out."""
    return _SECRETS.sub(lambda match: f"{match[1]}{match[2]}***" if match[1] else "***", text)


#: What would begin another line, or move about in the terminal that shows it.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def one_line(text: str) -> str:
    """A text with its control characters spelled out: what clients call things cannot begin a line of its own."""
    return _CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


class _Lines(logging.Formatter):
    def __init__(self, as_json: bool, ids: Callable[[], dict[str, str | None]]) -> None:
        super().__init__()
        self._json = as_json
        self._ids = ids

    def format(self, record: logging.LogRecord) -> str:
        message = record.getMessage()
        if not self._json:
            message = one_line(message)
        if record.exc_info:
            lines = self.formatException(record.exc_info).splitlines()
            message += "".join(f"\n  | {line if self._json else one_line(line)}" for line in lines)
        message = without_secrets(message)
        ids = {name: value for name, value in self._ids().items() if value}
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z"
        if self._json:
            return json.dumps(
                {"time": moment, "level": record.levelname.lower(), "logger": record.name, **ids, "message": message}
            )
        context = "".join(f" {name}={value}" for name, value in ids.items())
        return f"{moment} {record.levelname.lower():7} {record.name}{context}: {message}"


def configure(level: str, as_json: bool, ids: Callable[[], dict[str, str | None]]) -> None:
    """Sends log lines to standard error. `ids()` tells the request and job that are being worked on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Lines(as_json, ids))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for noisy in ("aiosqlite", "asyncio", "apscheduler", "aiohttp.access"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, root.level))
