"""Management servers: which there are, what they use, and how they are put to rest."""

from __future__ import annotations

from cloudsim.api.command import Body, Command, ListCommand, id_of
from cloudsim.api.params import boolean, ref, string
from cloudsim.api.responses import managementserver as responses
from cloudsim.api.responses.base import SUCCESS
from cloudsim.core.errors import InvalidValue
from cloudsim.services import infrastructure, management_server
from cloudsim.services.context import Context
from cloudsim.services.management_server import MANAGEMENT_SERVER

_ALGORITHMS = ("static", "roundrobin", "shuffle")


class ListManagementServers(ListCommand, name="listManagementServers", response=responses.MANAGEMENT_SERVER):
    """Lists management servers."""

    id = ref(MANAGEMENT_SERVER)
    name = string()
    peers = boolean("Whether it is told how each sees the others", since="4.20.1.0")

    def run(self, ctx: Context) -> Body:
        body = self.select(ctx, management_server.LISTING, id=id_of(self.id), name=self.name)
        if self.peers:
            responses.add_peers(ctx, body.get("managementserver", []))
        return body


class ListManagementServersMetrics(
    ListManagementServers,
    name="listManagementServersMetrics",
    response=responses.MANAGEMENT_SERVER_METRICS,
    since="4.17.0",
):
    """Lists management servers with figures of what they use."""

    system = boolean("Whether figures of the computer are told as well (true if not said)")

    def run(self, ctx: Context) -> Body:
        body = super().run(ctx)
        responses.add_figures(ctx, body.get("managementserver", []), system=self.system is not False)
        return body


class RemoveManagementServer(Command, name="removeManagementServer", response=SUCCESS):
    """Forgets a management server that has ended. One that starts again is there again."""

    id = ref(MANAGEMENT_SERVER, required=True)

    def run(self, ctx: Context) -> Body:
        management_server.remove(ctx, self.id)
        return {"success": True}


class _Resting(Command, response=responses.MAINTENANCE):
    managementserverid = ref(MANAGEMENT_SERVER, required=True)

    def told(self, ctx: Context) -> Body:
        """How far the server is."""
        return {self.name.lower(): management_server.readiness(ctx, self.managementserverid["id"])}


class PrepareForShutdown(
    _Resting,
    name="prepareForShutdown",
    response=responses.MAINTENANCE,
    noun="prepareforshutdown",
    event="MS.SHUTDOWN.PREPARE",
    since="4.19.0",
):
    """Makes a management server take no new jobs, so that it can be shut down."""

    def run(self, ctx: Context) -> Body:
        management_server.prepare_shutdown(ctx, self.managementserverid)
        return self.told(ctx)


class CancelShutdown(
    _Resting,
    name="cancelShutdown",
    response=responses.MAINTENANCE,
    noun="cancelshutdown",
    event="MS.SHUTDOWN.CANCEL",
    since="4.19.0",
):
    """Makes a management server that was prepared for its shutdown take jobs again."""

    def run(self, ctx: Context) -> Body:
        management_server.cancel_shutdown(ctx, self.managementserverid)
        return self.told(ctx)


class TriggerShutdown(
    _Resting,
    name="triggerShutdown",
    response=responses.MAINTENANCE,
    noun="triggershutdown",
    event="MS.SHUTDOWN",
    since="4.19.0",
):
    """Ends a management server as soon as the jobs it has have ended."""

    def run(self, ctx: Context) -> Body:
        management_server.trigger_shutdown(ctx, self.managementserverid)
        return self.told(ctx)


class ReadyForShutdown(
    _Resting,
    name="readyForShutdown",
    response=responses.MAINTENANCE,
    noun="readyforshutdown",
    reads=True,
    since="4.19.0",
):
    """Tells whether a management server can be shut down, and how many jobs it still has."""

    def run(self, ctx: Context) -> Body:
        return self.told(ctx)


class PrepareForMaintenance(
    _Resting,
    name="prepareForMaintenance",
    response=responses.MAINTENANCE,
    noun="prepareformaintenance",
    event="MS.MAINTENANCE.PREPARE",
    since="4.21.0",
):
    """Makes a management server take no new jobs; it is in maintenance when those it has have ended."""

    algorithm = string(
        "How its hosts are given to other servers (static, roundrobin, shuffle): here every server serves every host, so "
        "that nothing has to be given away"
    )
    forced = boolean(
        "Whether it goes to maintenance though jobs are left when management.server.maintenance.timeout is over"
    )

    def run(self, ctx: Context) -> Body:
        if self.algorithm is not None and self.algorithm.lower() not in _ALGORITHMS:
            raise InvalidValue(f"algorithm takes {', '.join(_ALGORITHMS)}, not '{self.algorithm[:64]}'")
        management_server.prepare_maintenance(ctx, self.managementserverid, forced=bool(self.forced))
        return self.told(ctx)


class CancelMaintenance(
    _Resting,
    name="cancelMaintenance",
    response=responses.MAINTENANCE,
    noun="cancelmaintenance",
    event="MS.MAINTENANCE.CANCEL",
    since="4.21.0",
):
    """Makes a management server that is in maintenance, or on the way there, take jobs again."""

    rebalance = boolean("Whether hosts are given back to it: it serves every host again in any case")

    def run(self, ctx: Context) -> Body:
        management_server.cancel_maintenance(ctx, self.managementserverid)
        return self.told(ctx)


class ListDbMetrics(Command, name="listDbMetrics", response=responses.DB_METRICS, reads=True, since="4.17.0"):
    """Tells figures of the database."""

    def run(self, ctx: Context) -> Body:
        return {"dbMetrics": infrastructure.database_figures(ctx)}


class ListUsageServerMetrics(
    Command, name="listUsageServerMetrics", response=responses.USAGE_METRICS, reads=True, since="4.17.0"
):
    """Tells how the counting of usage is: the server does it itself."""

    def run(self, ctx: Context) -> Body:
        return {"usageMetrics": infrastructure.usage_figures(ctx)}
