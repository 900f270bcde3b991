"""Webhooks, and what they were told."""

from __future__ import annotations

from typing import Any

from cloudsim.api.command import Body, Command, ListCommand, ScopedList, id_of
from cloudsim.api.params import Parameters, boolean, date, ref, string, uuid
from cloudsim.api.responses.webhook import WEBHOOK, WEBHOOK_DELIVERY, present_delivery
from cloudsim.core.caller import Caller
from cloudsim.core.errors import InvalidValue
from cloudsim.services import access, webhook, webhook_delivery
from cloudsim.services.context import Cloud, Context
from cloudsim.services.nouns import DOMAIN, PROJECT
from cloudsim.services.nouns import WEBHOOK as NOUN
from cloudsim.services.nouns import WEBHOOK_DELIVERY as DELIVERY

SINCE = "4.20.0"
_SCOPE = "Whose events are told: the owner's (Local), those of a domain and the ones below, or all"


class CreateWebhook(Command, name="createWebhook", response=WEBHOOK, since=SINCE):
    """Makes a webhook: events are sent to its URL from then on."""

    name = string(required=True)
    payloadurl = string("Where events are sent to, by POST; http:// where it does not say", required=True)
    account = string()
    description_ = string()
    domainid = ref(DOMAIN)
    projectid = ref(PROJECT)
    scope = string(_SCOPE, values=webhook.SCOPES, default=webhook.LOCAL)
    secretkey = string("Signs what is sent (HMAC-SHA256, header X-CS-Signature)", secret=True)
    sslverification = boolean("Whether the certificate of the receiver is checked", default=False)
    state = string("Whether events are sent", values=webhook.STATES, default=webhook.ENABLED)

    @classmethod
    async def before(cls, cloud: Cloud, caller: Caller, parameters: Parameters) -> None:
        await webhook.check_url(cloud, parameters.get("payloadurl"))

    def run(self, ctx: Context) -> Body:
        made = webhook.create(
            ctx,
            webhook.owner_for(ctx, self.domainid, self.account, self.projectid, self.scope),
            name=self.name,
            description=self.description_,
            url=webhook.full_url(self.payloadurl) or "",
            scope=self.scope,
            domain=self.domainid,
            secret_key=self.secretkey,
            verify=self.sslverification,
            state=self.state,
        )
        return {"webhook": ctx.present("webhook", made)[0]}


class ListWebhooks(ScopedList, name="listWebhooks", response=WEBHOOK, since=SINCE):
    """Lists webhooks."""

    id = ref(NOUN)
    name = string()
    scope_ = string(_SCOPE, values=webhook.SCOPES)
    state = string("Whether events are sent", values=webhook.STATES)

    def run(self, ctx: Context) -> Body:
        caller = ctx.caller
        allowed = caller.is_admin or (caller.is_domain_admin and self.scope_ != webhook.GLOBAL)
        if self.scope_ not in (None, webhook.LOCAL) and not allowed:
            raise InvalidValue(f"scope {self.scope_} is not yours to ask for")
        given = {"id": id_of(self.id), "name": self.name, "scope": self.scope_, "state": self.state}
        return self.select(ctx, webhook.LISTING, **given)


class UpdateWebhook(Command, name="updateWebhook", response=WEBHOOK, since=SINCE):
    """Changes a webhook."""

    id = ref(NOUN, required=True)
    description_ = string(blank=True)
    name = string()
    payloadurl = string("Where events are sent to, by POST; http:// where it does not say")
    scope = string(_SCOPE, values=webhook.SCOPES)
    secretkey = string("Signs what is sent; an empty one takes the key away", secret=True, blank=True)
    sslverification = boolean("Whether the certificate of the receiver is checked")
    state = string("Whether events are sent", values=webhook.STATES)

    @classmethod
    async def before(cls, cloud: Cloud, caller: Caller, parameters: Parameters) -> None:
        await webhook.check_url(cloud, parameters.get("payloadurl"))

    def run(self, ctx: Context) -> Body:
        webhook.update(
            ctx,
            self.id,
            name=self.name,
            description=self.description_,
            url=webhook.full_url(self.payloadurl),
            scope=self.scope,
            secret_key=self.secretkey,
            verify=self.sslverification,
            state=self.state,
        )
        return {"webhook": ctx.present("webhook", self.id["id"])[0]}


class DeleteWebhook(Command, name="deleteWebhook", since=SINCE):
    """Deletes a webhook with its deliveries."""

    id = ref(NOUN, required=True)

    def run(self, ctx: Context) -> Body:
        webhook.remove(ctx, self.id)
        return {"success": True}


class ListWebhookDeliveries(ListCommand, name="listWebhookDeliveries", response=WEBHOOK_DELIVERY, since=SINCE):
    """Lists what webhooks were told, the newest first; the setting webhook.deliveries.limit says how many are kept."""

    id = ref(DELIVERY)
    enddate = date("Only those that ended by then")
    eventtype = string("Only those of this type of event")
    managementserverid = uuid("Only those of this management server; for root admins")
    startdate = date("Only those that began from then on")
    webhookid = ref(NOUN, "Only those of this webhook")

    def run(self, ctx: Context) -> Body:
        given = webhook_delivery.conditions(
            ctx, self.id, self.webhookid, self.managementserverid, self.startdate, self.enddate
        )
        conditions: dict[str, Any] = {**given, "type": self.eventtype, "keyword": self.keyword}
        scope = access.scope(ctx, listall=True, by_id=True)
        return self.answer(ctx, webhook_delivery.LISTING.page(ctx, conditions, self.paging(ctx), scope))


class DeleteWebhookDelivery(Command, name="deleteWebhookDelivery", since=SINCE):
    """Deletes deliveries: one, or those that fit all that is given."""

    id = ref(DELIVERY)
    enddate = date("Only those that ended by then")
    managementserverid = uuid("Only those of this management server; for root admins")
    startdate = date("Only those that began from then on")
    webhookid = ref(NOUN, "Only those of this webhook")

    def run(self, ctx: Context) -> Body:
        given = webhook_delivery.conditions(
            ctx, self.id, self.webhookid, self.managementserverid, self.startdate, self.enddate
        )
        webhook_delivery.remove(ctx, given)
        return {"success": True}


class ExecuteWebhookDelivery(Command, name="executeWebhookDelivery", response=WEBHOOK_DELIVERY, since=SINCE):
    """Sends something at once: a delivery once more, or a test to a webhook or a URL, which is not kept."""

    id = ref(DELIVERY, "The delivery that is made once more")
    payload = string("What is sent where no delivery is given")
    payloadurl = string("Where it is sent to, in the place of the webhook's own URL")
    secretkey = string("Signs it, in the place of the webhook's own key", secret=True)
    sslverification = boolean("Whether the certificate is checked, in the place of what the webhook says")
    webhookid = ref(NOUN, "The webhook")

    @classmethod
    async def before(cls, cloud: Cloud, caller: Caller, parameters: Parameters) -> None:
        def read(tx: Any) -> webhook_delivery.Test:
            ctx = cloud.context(tx, caller)
            ctx.command = cls.name
            given = cls(ctx, parameters)
            return webhook_delivery.test(
                ctx,
                delivery=given.id,
                hook=given.webhookid,
                url=webhook.full_url(given.payloadurl),
                payload=given.payload,
                secret_key=given.secretkey,
                verify=given.sslverification,
            )

        test = await cloud.db.glance(read)
        await webhook.check_url(cloud, test.call.url)
        async with webhook_delivery.at_once:
            outcome = await webhook_delivery.tell(cloud, test.call)
        parameters.prepared.update(test=test, outcome=outcome)

    def run(self, ctx: Context) -> Body:
        made, row = webhook_delivery.tested(ctx, self.prepared["test"], self.prepared["outcome"])
        if made is not None:
            return {"webhookdelivery": ctx.present("webhookdelivery", made)[0]}
        return {"webhookdelivery": present_delivery(row)}
