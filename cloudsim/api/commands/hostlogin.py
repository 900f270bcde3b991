"""How hosts are logged in to, and what planners keep of them."""

from __future__ import annotations

from cloudsim.api.command import AsyncCommand, Body, Command
from cloudsim.api.params import boolean, ref, string
from cloudsim.services import hostlogin, nouns
from cloudsim.services.context import Context


class UpdateHostPassword(Command, name="updateHostPassword"):
    """Keeps the user and the password of a host, or of all hosts of a cluster.

    The password is sealed where it lies, and told to nobody. The drivers of this server need none.
    """

    password = string(required=True, secret=True)
    username = string(required=True)
    clusterid = ref(nouns.CLUSTER, "The cluster whose hosts are meant")
    hostid = ref(nouns.HOST, "The host that is meant")
    update_passwd_on_host = boolean("Whether the password is changed on the hosts too: no driver does that")

    def run(self, ctx: Context) -> Body:
        hostlogin.update_password(
            ctx,
            self.hostid,
            self.clusterid,
            self.username,
            self.password,
            on_host=bool(self.update_passwd_on_host),
        )
        return {"success": True}


class ReleaseHostReservation(AsyncCommand, name="releaseHostReservation", event="HOST.RESERVATION.RELEASE"):
    """Lets all planners use a host. None of this server's keeps a host for itself, so that holds already."""

    id = ref(nouns.HOST, required=True)

    def run(self, ctx: Context) -> Body:
        return {"jobid": hostlogin.order_release(ctx, self.id)}
