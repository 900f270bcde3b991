"""Providers of network services, and their elements."""

from __future__ import annotations

from cloudsim.api.command import AsyncCommand, Body, ListCommand, id_of
from cloudsim.api.params import boolean, ref, string, strings
from cloudsim.api.params import uuid as uuid_param
from cloudsim.api.responses.base import SUCCESS
from cloudsim.api.responses.networkprovider import LB_ELEMENT, PROVIDER, ROUTER_ELEMENT
from cloudsim.services import networkprovider, nouns
from cloudsim.services.context import Context


class ListNetworkServiceProviders(ListCommand, name="listNetworkServiceProviders", response=PROVIDER, since="3.0.0"):
    """Lists the providers of network services on physical networks."""

    name = string()
    physicalnetworkid = ref(nouns.PHYSICAL_NETWORK)
    state = string(values=networkprovider.STATES)

    def run(self, ctx: Context) -> Body:
        return self.select(
            ctx,
            networkprovider.LISTING,
            name=self.name.lower() if self.name else None,
            network=id_of(self.physicalnetworkid),
            state=self.state.lower() if self.state else None,
        )


class AddNetworkServiceProvider(
    AsyncCommand,
    name="addNetworkServiceProvider",
    response=PROVIDER,
    event="SERVICE.PROVIDER.CREATE",
    since="3.0.0",
):
    """Gives a physical network a provider of network services."""

    name = string(required=True)
    physicalnetworkid = ref(nouns.PHYSICAL_NETWORK, required=True)
    destinationphysicalnetworkid = uuid_param("The network it leads to: no provider here leads to another")
    servicelist = strings("The services it gives; all it can give where nothing is said")

    def run(self, ctx: Context) -> Body:
        uuid, job = networkprovider.add(ctx, self.physicalnetworkid, self.name, self.servicelist)
        return {"id": uuid, "jobid": job}


class UpdateNetworkServiceProvider(
    AsyncCommand,
    name="updateNetworkServiceProvider",
    response=PROVIDER,
    event="SERVICE.PROVIDER.UPDATE",
    since="3.0.0",
):
    """Enables or disables a provider, or changes the services it gives."""

    id = ref(nouns.NETWORK_PROVIDER, required=True)
    servicelist = strings("The services it gives")
    state = string(values=networkprovider.STATES)

    def run(self, ctx: Context) -> Body:
        return {"jobid": networkprovider.update(ctx, self.id, state=self.state, services=self.servicelist)}


class DeleteNetworkServiceProvider(
    AsyncCommand,
    name="deleteNetworkServiceProvider",
    response=SUCCESS,
    event="SERVICE.PROVIDER.DELETE",
    since="3.0.0",
):
    """Takes a provider that no network uses from a physical network."""

    id = ref(nouns.NETWORK_PROVIDER, required=True)

    def run(self, ctx: Context) -> Body:
        return {"jobid": networkprovider.delete(ctx, self.id)}


class ListVirtualRouterElements(ListCommand, name="listVirtualRouterElements", response=ROUTER_ELEMENT):
    """Lists the elements of providers whose services virtual routers give."""

    enabled = boolean()
    id = ref(nouns.PROVIDER_ELEMENT)
    nspid = ref(nouns.NETWORK_PROVIDER)

    def run(self, ctx: Context) -> Body:
        return self.select(
            ctx,
            networkprovider.ELEMENTS,
            id=id_of(self.id),
            provider=id_of(self.nspid),
            enabled=self.enabled,
            kind="router",
        )


class ConfigureVirtualRouterElement(
    AsyncCommand,
    name="configureVirtualRouterElement",
    response=ROUTER_ELEMENT,
    event="NETWORK.ELEMENT.CONFIGURE",
):
    """Enables or disables the virtual routers of a provider."""

    enabled = boolean(required=True)
    id = ref(nouns.PROVIDER_ELEMENT, required=True)

    def run(self, ctx: Context) -> Body:
        return {"jobid": networkprovider.configure(ctx, self.id, "router", self.enabled)}


class CreateVirtualRouterElement(
    AsyncCommand, name="createVirtualRouterElement", response=ROUTER_ELEMENT, event="SERVICE.PROVIDER.CREATE"
):
    """Gives a provider its virtual routers; the providers that come with a physical network have them."""

    nspid = ref(nouns.NETWORK_PROVIDER, required=True)
    providertype = uuid_param("VirtualRouter or VpcVirtualRouter", also=("VirtualRouter", "VPCVirtualRouter"))

    def run(self, ctx: Context) -> Body:
        uuid, job = networkprovider.create_element(ctx, self.nspid)
        return {"id": uuid, "jobid": job}


class ListInternalLoadBalancerElements(
    ListCommand, name="listInternalLoadBalancerElements", response=LB_ELEMENT, since="4.2.0"
):
    """Lists the elements of providers of internal load balancers."""

    enabled = boolean()
    id = ref(nouns.PROVIDER_ELEMENT)
    nspid = ref(nouns.NETWORK_PROVIDER)

    def run(self, ctx: Context) -> Body:
        return self.select(
            ctx,
            networkprovider.ELEMENTS,
            id=id_of(self.id),
            provider=id_of(self.nspid),
            enabled=self.enabled,
            kind="lb",
        )


class ConfigureInternalLoadBalancerElement(
    AsyncCommand,
    name="configureInternalLoadBalancerElement",
    response=LB_ELEMENT,
    event="NETWORK.ELEMENT.CONFIGURE",
    since="4.2.0",
):
    """Enables or disables the internal load balancers of a provider."""

    enabled = boolean(required=True)
    id = ref(nouns.PROVIDER_ELEMENT, required=True)

    def run(self, ctx: Context) -> Body:
        return {"jobid": networkprovider.configure(ctx, self.id, "lb", self.enabled)}
