"""The way to a host that is off: the controllers of its power.

A controller is reached by a driver of its own: ``simulator`` for hosts of the simulator, ``ipmitool`` for machines with
IPMI, through the program of that name. The program is run with a list of arguments, never through a shell; the password
goes to it by its environment, a new one by its standard input, so that no list of processes shows it.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from dataclasses import dataclass

from cloudsim.agents.base import CommandFailed, HostAddress, HostUnreachable

#: What can be asked of a controller.
ACTIONS = ("ON", "OFF", "CYCLE", "RESET", "SOFT", "STATUS")
DRIVERS = ("ipmitool", "simulator")


@dataclass(frozen=True, slots=True)
class Controller:
    """The controller of one host's power, and how to reach it."""

    host: HostAddress
    driver: str
    address: str = ""
    port: str = ""
    username: str = ""
    #: Sealed.
    password: str = ""
    #: The program ``ipmitool``, and what it is told of the network.
    path: str = "/usr/bin/ipmitool"
    interface: str = "lanplus"
    retries: str = "1"


def argument(name: str, value: str) -> str:
    """A value that may stand on a command line. Raises `CommandFailed` for one that would be taken for an option."""
    if not value or value.startswith("-") or not value.isprintable():
        raise CommandFailed(f"'{value}' cannot be the {name} of a controller")
    return value


def _command(controller: Controller) -> list[str]:
    return [
        controller.path, "-I", argument("interface", controller.interface), "-R", argument("retries", controller.retries),
        "-H", argument("address", controller.address), "-p", argument("port", controller.port),
        "-U", argument("user", controller.username), "-E",
    ]  # fmt: skip


async def run_ipmitool(controller: Controller, password: str, *words: str, given: str | None = None) -> str:
    """Runs ``ipmitool`` and answers what it wrote. Raises `CommandFailed`, `HostUnreachable`."""
    environment = {**os.environ, "IPMI_PASSWORD": password, "IPMITOOL_PASSWORD": password, "LC_ALL": "C"}
    try:
        process = await asyncio.create_subprocess_exec(
            *_command(controller), *words, env=environment,
            stdin=asyncio.subprocess.PIPE if given is not None else asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
    except OSError as error:
        raise CommandFailed(f"{controller.path} cannot be run: {error.strerror}") from None
    try:
        said, complained = await process.communicate(given.encode() if given is not None else None)
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
    if process.returncode:
        text = complained.decode(errors="replace").strip().splitlines()
        raise HostUnreachable(f"ipmitool: {text[-1][:200] if text else f'exit status {process.returncode}'}")
    return said.decode(errors="replace")


async def ipmitool(controller: Controller, password: str, action: str) -> str:
    """Carries an action out with ``ipmitool``; answers the power state that is known then."""
    if action != "STATUS":
        await run_ipmitool(controller, password, "chassis", "power", action.lower())
        return {"ON": "On", "CYCLE": "On", "RESET": "On", "OFF": "Off"}.get(action, "Unknown")
    said = (await run_ipmitool(controller, password, "chassis", "power", "status")).lower()
    return "On" if "power is on" in said else "Off" if "power is off" in said else "Unknown"


async def ipmitool_password(controller: Controller, password: str, new: str) -> None:
    """Gives the controller's user a new password."""
    if any(sign in new for sign in "'\"\\") or not new.isprintable():
        raise CommandFailed("a controller's password cannot have quotes, backslashes or control characters")
    table = await run_ipmitool(controller, password, "user", "list")
    for line in table.splitlines():
        words = line.split()
        if len(words) > 1 and words[1] == controller.username and words[0].isdigit():
            # commands that come by standard input are seen by nobody
            order = f"user set password {words[0]} '{new}'\n"
            await run_ipmitool(controller, password, "exec", "/dev/stdin", given=order)
            return
    raise CommandFailed(f"the controller has no user {controller.username}")
