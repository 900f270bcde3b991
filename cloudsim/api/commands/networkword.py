"""The words that networks are described with: how they are kept apart, protocols, who carries traffic."""

from __future__ import annotations

from cloudsim.api.command import Body, Command, ListCommand
from cloudsim.api.params import string
from cloudsim.api.responses.base import Response
from cloudsim.core.errors import InvalidValue
from cloudsim.core.reference import reference
from cloudsim.services import physicalnetwork
from cloudsim.services.context import Context

ISOLATION_METHOD = Response("isolationmethod", string="name")
PROTOCOL = Response("networkprotocol", integer="index", map="details", string="description name")
IMPLEMENTOR = Response("traffictypeimplementorresponse", string="traffictype traffictypeimplementor")
#: The reference's names for what gives machines their cards in networks of each kind of traffic.
_IMPLEMENTORS = {
    "Control": "ControlNetworkGuru",
    "Guest": "ExternalGuestNetworkGuru",
    "Management": "PodBasedNetworkGuru",
    "Public": "PublicNetworkGuru",
    "Storage": "StorageNetworkGuru",
}


class ListNetworkIsolationMethods(
    ListCommand, name="listNetworkIsolationMethods", response=ISOLATION_METHOD, since="4.2.0"
):
    """Lists how networks on a physical network can be kept apart."""

    def run(self, ctx: Context) -> Body:
        word = (self.keyword or "").lower()
        return self.part(ctx, [{"name": name} for name in physicalnetwork.METHODS if word in name.lower()])


class ListNetworkProtocols(Command, name="listNetworkProtocols", response=PROTOCOL, reads=True, since="4.19.0"):
    """Lists the numbers of protocols, or the types of ICMP messages with their codes."""

    option = string("protocolnumber or icmptype", required=True)

    def run(self, ctx: Context) -> Body:
        known = reference("networkprotocols")
        found = known.get(self.option.lower())
        if found is None:
            raise InvalidValue(f"option takes {', '.join(known)}, not '{self.option[:32]}'")
        return {"count": len(found), "networkprotocol": found}


class ListTrafficTypeImplementors(ListCommand, name="listTrafficTypeImplementors", response=IMPLEMENTOR, since="3.0.0"):
    """Lists what carries each kind of traffic."""

    traffictype = string()

    def run(self, ctx: Context) -> Body:
        wanted = (self.traffictype or "").lower()
        if wanted and wanted not in {name.lower() for name in _IMPLEMENTORS}:
            raise InvalidValue(f"traffictype takes {', '.join(_IMPLEMENTORS)}, not '{wanted[:32]}'")
        word = (self.keyword or "").lower()
        return self.part(
            ctx,
            [
                {"traffictype": kind, "traffictypeimplementor": name}
                for kind, name in _IMPLEMENTORS.items()
                if wanted in ("", kind.lower()) and word in kind.lower()
            ],
        )
