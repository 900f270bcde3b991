"""Policies of load balancer rules: stickiness and health checks."""

from __future__ import annotations

from cloudsim.api.command import AsyncCommand, Body, ListCommand, id_of
from cloudsim.api.params import boolean, integer, mappings, ref, string
from cloudsim.api.responses.base import SUCCESS
from cloudsim.api.responses.loadbalancer import HEALTH_CHECKS, STICKINESS, policies_of
from cloudsim.core.errors import InvalidValue
from cloudsim.services import access, lb_healthcheck, lb_policy, lb_stickiness
from cloudsim.services.context import Context, Row
from cloudsim.services.listing import Listing
from cloudsim.services.nouns import LB_HEALTH_CHECK_POLICY, LB_STICKINESS_POLICY, LOAD_BALANCER_RULE

_DISPLAY = "Whether the owner of the rule sees it"


class _List(ListCommand):
    fordisplay = boolean("Only those that owners see, or do not see", since="4.4", admin=True)
    lbruleid = ref(LOAD_BALANCER_RULE, "The load balancer rule whose policies are listed")

    def policies(self, ctx: Context, listing: Listing, policy: Row | None, key: str) -> Body:
        """The policies of a rule, which is named by itself or by the policy."""
        rule = self.lbruleid
        if rule is None:
            if policy is None:
                raise InvalidValue("say whose policies: lbruleid or id")
            rule = lb_policy.rule_of(ctx, policy)
        given = {
            "id": id_of(policy),
            "rule": rule["id"],
            "keyword": self.keyword,
            "display": self.fordisplay if ctx.caller.is_admin else True,
        }
        ids, _ = listing.page(ctx, given, self.paging(ctx))
        found = ctx.present(self.response.name, *ids)
        return self.body([policies_of(ctx, rule, found, key)])


class CreateLBStickinessPolicy(
    AsyncCommand,
    name="createLBStickinessPolicy",
    response=STICKINESS,
    event="LB.STICKINESSPOLICY.CREATE",
    since="3.0.0",
):
    """Makes the stickiness policy of a load balancer rule, in the place of the one that it has."""

    lbruleid = ref(LOAD_BALANCER_RULE, required=True)
    methodname = string("LbCookie, AppCookie or SourceBased, as the network's load balancers can", required=True)
    name = string(required=True)
    description_ = string("What it is for")
    fordisplay = boolean(_DISPLAY, since="4.4", admin=True)
    param = mappings("The parameters of the method: name and value of each; the network tells which there are")

    def run(self, ctx: Context) -> Body:
        uuid, job = lb_stickiness.create(
            ctx,
            self.lbruleid,
            name=self.name,
            method=self.methodname,
            params=self.param or (),
            description=self.description_,
            display=self.fordisplay is not False,
        )
        return {"id": uuid, "jobid": job}


class UpdateLBStickinessPolicy(
    AsyncCommand,
    name="updateLBStickinessPolicy",
    response=STICKINESS,
    event="LB.STICKINESSPOLICY.UPDATE",
    since="4.4",
):
    """Shows or hides a stickiness policy, or gives it another id."""

    id = ref(LB_STICKINESS_POLICY, required=True)
    customid = string("A uuid of the caller's choice", since="4.4", admin=True)
    fordisplay = boolean(_DISPLAY, since="4.4", admin=True)

    def run(self, ctx: Context) -> Body:
        uuid = access.custom_id(self.customid)
        event = "LB.STICKINESSPOLICY.UPDATE"
        job = lb_policy.update(ctx, LB_STICKINESS_POLICY, self.id, event, display=self.fordisplay, uuid=uuid)
        return {"jobid": job}


class DeleteLBStickinessPolicy(
    AsyncCommand,
    name="deleteLBStickinessPolicy",
    response=SUCCESS,
    event="LB.STICKINESSPOLICY.DELETE",
    since="3.0.0",
):
    """Deletes the stickiness policy of a load balancer rule."""

    id = ref(LB_STICKINESS_POLICY, required=True)

    def run(self, ctx: Context) -> Body:
        return {"jobid": lb_stickiness.delete(ctx, self.id)}


class ListLBStickinessPolicies(_List, name="listLBStickinessPolicies", response=STICKINESS, since="3.0.0"):
    """Lists the stickiness policies of a load balancer rule."""

    id = ref(LB_STICKINESS_POLICY)

    def run(self, ctx: Context) -> Body:
        return self.policies(ctx, lb_stickiness.LISTING, self.id, "stickinesspolicy")


class CreateLBHealthCheckPolicy(
    AsyncCommand,
    name="createLBHealthCheckPolicy",
    response=HEALTH_CHECKS,
    event="LB.HEALTHCHECKPOLICY.CREATE",
    since="4.2.0",
):
    """Makes the health check policy of a load balancer rule, where its provider makes such checks.

    Virtual routers do not.
    """

    lbruleid = ref(LOAD_BALANCER_RULE, required=True)
    description_ = string("What it is for")
    fordisplay = boolean(_DISPLAY, since="4.4", admin=True)
    healthythreshold = integer("How many checks in a row must succeed for a machine to be well", default=2)
    intervaltime = integer("Seconds between two checks", default=5)
    pingpath = string("The path of the URL that is asked for", default="/")
    responsetimeout = integer("Seconds that an answer may take", default=2)
    unhealthythreshold = integer("How many checks in a row must fail for a machine to be ill", default=2)

    def run(self, ctx: Context) -> Body:
        uuid, job = lb_healthcheck.create(
            ctx,
            self.lbruleid,
            ping_path=self.pingpath,
            description=self.description_,
            response_timeout=self.responsetimeout,
            interval=self.intervaltime,
            healthy=self.healthythreshold,
            unhealthy=self.unhealthythreshold,
            display=self.fordisplay is not False,
        )
        return {"id": uuid, "jobid": job}


class UpdateLBHealthCheckPolicy(
    AsyncCommand,
    name="updateLBHealthCheckPolicy",
    response=HEALTH_CHECKS,
    event="LB.HEALTHCHECKPOLICY.UPDATE",
    since="4.4",
):
    """Shows or hides a health check policy, or gives it another id."""

    id = ref(LB_HEALTH_CHECK_POLICY, required=True)
    customid = string("A uuid of the caller's choice", since="4.4", admin=True)
    fordisplay = boolean(_DISPLAY, since="4.4", admin=True)

    def run(self, ctx: Context) -> Body:
        uuid = access.custom_id(self.customid)
        event = "LB.HEALTHCHECKPOLICY.UPDATE"
        job = lb_policy.update(ctx, LB_HEALTH_CHECK_POLICY, self.id, event, display=self.fordisplay, uuid=uuid)
        return {"jobid": job}


class DeleteLBHealthCheckPolicy(
    AsyncCommand,
    name="deleteLBHealthCheckPolicy",
    response=SUCCESS,
    event="LB.HEALTHCHECKPOLICY.DELETE",
    since="4.2.0",
):
    """Deletes the health check policy of a load balancer rule."""

    id = ref(LB_HEALTH_CHECK_POLICY, required=True)

    def run(self, ctx: Context) -> Body:
        return {"jobid": lb_healthcheck.delete(ctx, self.id)}


class ListLBHealthCheckPolicies(_List, name="listLBHealthCheckPolicies", response=HEALTH_CHECKS, since="4.2.0"):
    """Lists the health check policies of a load balancer rule."""

    id = ref(LB_HEALTH_CHECK_POLICY, since="4.4")

    def run(self, ctx: Context) -> Body:
        return self.policies(ctx, lb_healthcheck.LISTING, self.id, "healthcheckpolicy")
