"""The API's description of itself."""

from __future__ import annotations

from cloudsim.api.command import Body, Command, commands
from cloudsim.api.params import string
from cloudsim.api.responses.api import API, described
from cloudsim.core.errors import InvalidValue
from cloudsim.services.context import Context


class ListApis(Command, name="listApis", response=API, reads=True, since="4.1.0"):
    """Lists the commands that the caller's role has, with their parameters and response fields."""

    name = string("Only the command of this name")

    def run(self, ctx: Context) -> Body:
        names = [lower for lower, command in commands().items() if command.open_to(ctx.caller)]
        if self.name is not None:
            names = [lower for lower in names if lower == self.name.lower()]
            if not names:
                raise InvalidValue(f"there is no command '{self.name[:100]}', or your role does not have it")
        return {"count": len(names), "api": [described(lower) for lower in names]}
