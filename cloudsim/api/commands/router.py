"""Virtual routers."""

from __future__ import annotations

from cloudsim.api.command import AsyncCommand, Body, Command, ScopedList, id_of
from cloudsim.api.params import Parameters, boolean, ref, string
from cloudsim.api.params import uuid as uuid_param
from cloudsim.api.responses.base import Response
from cloudsim.api.responses.router import CHECK, ROUTER, checks
from cloudsim.core.caller import Caller
from cloudsim.core.errors import InvalidValue
from cloudsim.services import access, router_health, router_orders
from cloudsim.services.context import Cloud, Context
from cloudsim.services.nouns import CLUSTER, DOMAIN, HOST, NETWORK, POD, SERVICE_OFFERING, ZONE
from cloudsim.services.nouns import ROUTER as NOUN

UPGRADED = Response("asyncjobs", string="jobid", integer="jobstatus")
CHECKED = Response(
    "routerhealthchecks",
    string="jobid routerid",
    integer="jobstatus",
    nested={"healthchecks": ("list", CHECK)},
)


class ListRouters(ScopedList, name="listRouters", response=ROUTER):
    """Lists virtual routers."""

    arch = string(since="4.20.1")
    clusterid = ref(CLUSTER)
    fetchhealthcheckresults = boolean("Whether the results of health checks are told", since="4.14")
    forvpc = boolean("Whether it is a router of a VPC: none of this server's is")
    healthchecksfailed = boolean("Whether a health check of it failed", since="4.16")
    hostid = ref(HOST)
    id = ref(NOUN)
    name = string()
    networkid = ref(NETWORK)
    podid = ref(POD)
    state = string()
    version = string("Only those that run this version of the template")
    vpcid = uuid_param("Only the router of this VPC: this server has none")
    zoneid = ref(ZONE)

    def run(self, ctx: Context) -> Body:
        body = self.select(
            ctx,
            router_orders.LISTING,
            arch=self.arch.lower() if self.arch else None,
            cluster=id_of(self.clusterid),
            host=id_of(self.hostid),
            id=id_of(self.id),
            name=self.name,
            network=id_of(self.networkid),
            pod=id_of(self.podid),
            state=self.state.lower() if self.state else None,
            version=self.version,
            zone=id_of(self.zoneid),
            none=True if self.forvpc or self.vpcid else None,
            **router_orders.health_filter(ctx, self.healthchecksfailed),
        )
        if self.fetchhealthcheckresults:
            for one, row in zip(
                body.get("router", ()), router_orders.rows_of(ctx, body.get("router", ())), strict=True
            ):
                one["healthcheckresults"] = checks(ctx, row)
        return body


class StartRouter(AsyncCommand, name="startRouter", response=ROUTER, event="ROUTER.START"):
    """Starts a virtual router."""

    id = ref(NOUN, required=True)

    def run(self, ctx: Context) -> Body:
        return {"jobid": router_orders.start(ctx, self.id)}


class StopRouter(AsyncCommand, name="stopRouter", response=ROUTER, event="ROUTER.STOP"):
    """Stops a virtual router; the next virtual machine that starts in its network starts it again."""

    id = ref(NOUN, required=True)
    forced = boolean("Whether the plug is pulled at once")

    def run(self, ctx: Context) -> Body:
        return {"jobid": router_orders.stop(ctx, self.id, forced=bool(self.forced))}


class RebootRouter(AsyncCommand, name="rebootRouter", response=ROUTER, event="ROUTER.REBOOT"):
    """Reboots a virtual router."""

    id = ref(NOUN, required=True)
    forced = boolean("Whether it is stopped and started instead", since="4.16.0")

    def run(self, ctx: Context) -> Body:
        return {"jobid": router_orders.reboot(ctx, self.id, forced=bool(self.forced))}


class DestroyRouter(AsyncCommand, name="destroyRouter", response=ROUTER, event="ROUTER.DESTROY"):
    """Removes a virtual router for good; the next virtual machine that starts in its network gets a new one."""

    id = ref(NOUN, required=True)

    def run(self, ctx: Context) -> Body:
        return {"jobid": router_orders.destroy(ctx, self.id)}


class ChangeServiceForRouter(Command, name="changeServiceForRouter", response=ROUTER, event="ROUTER.UPGRADE"):
    """Gives a stopped virtual router another service offering."""

    id = ref(NOUN, required=True)
    serviceofferingid = ref(SERVICE_OFFERING, required=True)

    def run(self, ctx: Context) -> Body:
        router_orders.change_offering(ctx, self.id, self.serviceofferingid)
        return {"router": ctx.present("router", self.id["id"])[0]}


class UpgradeRouterTemplate(Command, name="upgradeRouterTemplate", response=UPGRADED):
    """Stops and starts virtual routers that run an older version of the template, a job for each."""

    account = string("Only those of this account of domainid")
    clusterid = ref(CLUSTER)
    domainid = ref(DOMAIN)
    id = ref(NOUN)
    podid = ref(POD)
    zoneid = ref(ZONE)

    def run(self, ctx: Context) -> Body:
        given = {
            name: getattr(self, name)["id"]
            for name in ("id", "zoneid", "podid", "clusterid", "domainid")
            if getattr(self, name) is not None
        }
        if len(given) != 1 or (self.account is not None and self.domainid is None):
            raise InvalidValue("give one of id, zoneid, podid, clusterid, domainid; account goes with domainid")
        if self.account is not None:
            given = {"account": access.account_of(ctx, self.domainid, self.account)["id"]}
        ((by, which),) = given.items()
        jobs = router_orders.upgrade(ctx, by, which)
        return {"count": len(jobs), "asyncjobs": [{"jobid": job, "jobstatus": 0} for job in jobs]} if jobs else {}


class GetRouterHealthCheckResults(
    Command, name="getRouterHealthCheckResults", response=CHECKED, reads=True, since="4.14.0"
):
    """Tells how the health checks of a virtual router came out.

    They are what can be told of a router from outside: whether its host answers and reports that it runs, and whether it
    runs what the cloud has now.
    """

    routerid = ref(NOUN, required=True)
    performfreshchecks = boolean("Whether its host is asked now, instead of taking what it last reported")

    @classmethod
    async def before(cls, cloud: Cloud, caller: Caller, parameters: Parameters) -> None:
        asked = await cloud.db.read(
            lambda tx: cls(cloud.context(tx, caller), parameters)._host(cloud.context(tx, caller))
        )
        if asked is not None:
            await router_health.ask(cloud, caller, asked)

    def _host(self, ctx: Context) -> int | None:
        router_health.must_be_checked(ctx, self.routerid)
        return int(self.routerid["host_id"]) if self.performfreshchecks else None

    def run(self, ctx: Context) -> Body:
        router_health.must_be_checked(ctx, self.routerid)
        ((row, _, _),) = router_orders.page(ctx, [self.routerid["id"]])
        return {"routerhealthchecks": {"routerid": self.routerid["uuid"], "healthchecks": checks(ctx, row)}}
