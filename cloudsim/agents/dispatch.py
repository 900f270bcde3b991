"""The way to the hosts: finds the driver, keeps time limits, asks again when an answer was lost."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from cloudsim.agents import outofband
from cloudsim.agents.base import (
    Answer,
    Command,
    CommandFailed,
    ConsoleStream,
    Driver,
    HostAddress,
    HostFacts,
    HostUnreachable,
    PowerHost,
)
from cloudsim.agents.outofband import Controller
from cloudsim.core.clock import Clock

log = logging.getLogger(__name__)

T = TypeVar("T")

#: Seconds to wait before each further try of a command whose answer was lost.
PAUSES = (0.1, 0.5, 2.0)


class TimedOut(HostUnreachable):
    """The host had the time a command may take, and used it up: asking again would not help."""


class Agents:
    """All drivers. `limit()` is the time limit of one command, in seconds (the setting ``wait``).

    `unseal` opens the passwords of controllers.
    """

    def __init__(
        self,
        drivers: Iterable[Driver],
        clock: Clock,
        limit: Callable[[], float],
        unseal: Callable[[str], str] = lambda sealed: sealed,
    ) -> None:
        self._unseal = unseal
        self.drivers = list(drivers)
        self._by_hypervisor = {name.lower(): driver for driver in self.drivers for name in driver.hypervisors}
        self._clock = clock
        self._limit = limit

    @property
    def hypervisors(self) -> list[str]:
        """The names that hosts can be added with."""
        return [name for driver in self.drivers for name in driver.hypervisors]

    def driver(self, hypervisor: str) -> Driver:
        """Raises `CommandFailed` where no driver serves that hypervisor."""
        found = self._by_hypervisor.get(hypervisor.lower())
        if found is None:
            raise CommandFailed(f"no driver for hypervisor {hypervisor} is installed")
        return found

    async def open(self) -> None:
        """Opens every driver."""
        for driver in self.drivers:
            await driver.open()

    async def close(self) -> None:
        """Closes every driver."""
        for driver in self.drivers:
            await driver.close()

    async def connect(self, host: HostAddress, *, timeout: float = 60.0) -> HostFacts:
        """Reaches a host. Raises `HostUnreachable`, `CommandFailed`."""
        try:
            return await self._clock.within(timeout, self.driver(host.hypervisor).connect(host))
        except TimeoutError:
            raise HostUnreachable(f"host {host.url} did not answer within {timeout:g} s") from None

    async def once(self, host: HostAddress, command: Command, *, timeout: float | None = None) -> Answer:
        """One try. Raises `CommandFailed`, `HostUnreachable` (also when the time is over)."""
        limit = self._limit() if timeout is None else timeout
        try:
            return await self._clock.within(limit, self.driver(host.hypervisor).execute(host, command))
        except TimeoutError:
            raise TimedOut(f"{command.wire} had no answer from the host within {limit:g} s") from None

    async def ask(self, host: HostAddress, command: Command, *, timeout: float | None = None) -> Answer:
        """Tries, and tries again with the same id when nobody knows what became of it."""
        for pause in PAUSES:
            try:
                return await self.once(host, command, timeout=timeout)
            except TimedOut:
                raise
            except HostUnreachable as error:
                log.warning("%s to host %s: %s; asking again", command.wire, host.uuid, error)
            await self._clock.sleep(pause)
        return await self.once(host, command, timeout=timeout)

    async def console(self, host: HostAddress, uuid: str, name: str, *, timeout: float = 10.0) -> ConsoleStream:
        """Opens the screen of a machine. Raises `CommandFailed`, `HostUnreachable`."""
        try:
            return await self._clock.within(timeout, self.driver(host.hypervisor).console(host, uuid, name))
        except TimeoutError:
            raise TimedOut(f"the console of {name} had no answer from the host within {timeout:g} s") from None

    async def power(self, controller: Controller, action: str, command_id: str, *, timeout: float) -> str:
        """Has a controller do something to a host's power; answers On, Off or Unknown. Raises as `once`."""
        if controller.driver == "simulator":
            answer = await self.once(controller.host, PowerHost(command_id, action), timeout=timeout)
            return str(answer["power"])
        password = self._unseal(controller.password)
        return await self._within(timeout, outofband.ipmitool(controller, password, action))

    async def controller_password(self, controller: Controller, new: str, *, timeout: float) -> None:
        """Gives a controller's user a new password (sealed, as the old one). Raises as `once`."""
        if controller.driver == "simulator":
            return  # a simulated controller takes every password
        old, made = self._unseal(controller.password), self._unseal(new)
        await self._within(timeout, outofband.ipmitool_password(controller, old, made))

    async def _within(self, timeout: float, what: Awaitable[T]) -> T:
        try:
            return await self._clock.within(timeout, what)
        except TimeoutError:
            raise TimedOut(f"the controller did not answer within {timeout:g} s") from None
