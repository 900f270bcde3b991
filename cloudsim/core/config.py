"""How a server is started: each option from a flag, the environment, a file or its default, in that order.

`Config.origin` tells where each value came from. Global settings (``updateConfiguration``) are another thing: they lie
in the database and change while the server runs.
"""

from __future__ import annotations

import configparser
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: Where a file is looked for when none is named.
FILES = ("cloudsim.conf", "~/.config/cloudsim/cloudsim.conf", "/etc/cloudsim/cloudsim.conf")


class ConfigError(ValueError):
    """An option has a value it cannot have; the text names the option, the value and where it was set."""


@dataclass(frozen=True, slots=True)
class Option:
    """One option."""

    name: str
    default: Any
    help: str
    kind: type = str
    #: Never shown.
    secret: bool = False
    metavar: str = ""
    least: int = 0
    most: int = 2**31
    choices: tuple[str, ...] = ()

    @property
    def environment(self) -> str:
        """The name of its environment variable."""
        return "CLOUDSIM_" + self.name.upper().replace("-", "_")

    def parse(self, text: str, origin: str) -> Any:
        """A text as this option's value. Raises `ConfigError`."""
        if self.kind is bool:
            word = text.strip().lower()
            if word in ("1", "true", "yes", "on"):
                return True
            if word in ("0", "false", "no", "off", ""):
                return False
            raise ConfigError(f"{self.name} ({origin}) takes true or false, not '{text}'")
        if self.kind is int:
            try:
                value = int(text)
            except ValueError:
                raise ConfigError(f"{self.name} ({origin}) takes a whole number, not '{text}'") from None
            if not self.least <= value <= self.most:
                raise ConfigError(f"{self.name} ({origin}) takes {self.least} to {self.most}, not {value}")
            return value
        if self.choices and text not in self.choices:
            raise ConfigError(f"{self.name} ({origin}) takes {', '.join(self.choices)}, not '{text}'")
        return text


OPTIONS = (
    Option("data-dir", "./cloudsim-data", "directory of the database, the key file and the simulated world",
           metavar="DIR"),
    Option("host", "127.0.0.1", "address to listen on", metavar="ADDRESS"),
    Option("port", 8080, "port of the API, of /healthz, /readyz and /metrics; 0: any free one", int, most=65535,
           metavar="N"),
    Option("integration-port", 0, "port of the unauthenticated API, on loopback only; 0: none", int, most=65535,
           metavar="N"),
    Option("database", "", "URL of a PostgreSQL database (postgresql://...); SQLite in the data directory if not given",
           secret=True, metavar="URL"),
    Option("seed", True, "whether an empty database gets a zone that machines can be deployed in", bool),
    Option("admin-password", "password", "password of the admin of an empty database", secret=True, metavar="TEXT"),
    Option("simulator-latency", "", "how long simulated hosts take, e.g. 'StartCommand=normal:2:0.5;*=constant:0.1' (s)",
           metavar="SPEC"),
    Option("libvirt-storage", "/var/lib/cloudsim", "directory of the volumes of libvirt hosts", metavar="DIR"),
    Option("log-level", "info", "least severe log lines to write", choices=("debug", "info", "warning", "error")),
    Option("log-format", "text", "form of log lines", choices=("text", "json")),
)  # fmt: skip
BY_NAME = {option.name: option for option in OPTIONS}


@dataclass(frozen=True)
class Config:
    """Every option's value, and where it came from."""

    values: Mapping[str, Any]
    origin: Mapping[str, str]

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    @property
    def data_dir(self) -> Path:
        """The data directory."""
        return Path(self.values["data-dir"]).expanduser()


def find_file(named: str | None) -> Path | None:
    """The configuration file: the named one, else the first of `FILES` that is there. Raises `ConfigError`."""
    if named is not None:
        path = Path(named).expanduser()
        if not path.is_file():
            raise ConfigError(f"there is no configuration file {named}")
        return path
    return next((path for text in FILES if (path := Path(text).expanduser()).is_file()), None)


def load(flags: Mapping[str, Any], environment: Mapping[str, str], named: str | None = None) -> Config:
    """Puts an option's sources together. `flags` holds what was given on the command line. Raises `ConfigError`."""
    path = find_file(named or environment.get("CLOUDSIM_CONFIG"))
    in_file: dict[str, str] = {}
    if path is not None:
        parser = configparser.ConfigParser(interpolation=None)
        try:
            parser.read_string(path.read_text())
        except (configparser.Error, UnicodeDecodeError, OSError) as error:
            raise ConfigError(f"configuration file {path}: {error}") from None
        for section in parser.sections():
            if section != "cloudsim":
                raise ConfigError(f"configuration file {path}: unknown section [{section}]; use [cloudsim]")
            for key, value in parser[section].items():
                if key not in BY_NAME:
                    raise ConfigError(f"configuration file {path}: unknown option {key}")
                in_file[key] = value
    values: dict[str, Any] = {}
    origin: dict[str, str] = {}
    for option in OPTIONS:
        name = option.name
        if flags.get(name) is not None:
            values[name], origin[name] = option.parse(str(flags[name]), "flag"), "flag"
        elif option.environment in environment:
            source = f"environment {option.environment}"
            values[name], origin[name] = option.parse(environment[option.environment], source), source
        elif name in in_file:
            source = f"file {path}"
            values[name], origin[name] = option.parse(in_file[name], source), source
        else:
            values[name], origin[name] = option.default, "default"
    return Config(values, origin)
