"""Policies that make snapshots of volumes."""

from __future__ import annotations

from cloudsim.api.command import AsyncCommand, Body, Command, ScopedList, id_of
from cloudsim.api.commands.snapshot import NO_POOLS, NO_REPLICATION
from cloudsim.api.params import boolean, integer, mapping, ref, refs, string
from cloudsim.api.responses.base import SUCCESS
from cloudsim.api.responses.snapshotpolicy import SNAPSHOT_POLICY
from cloudsim.core.errors import BadParameter
from cloudsim.services import access, nouns, snapshot_orders, snapshot_policy
from cloudsim.services.context import Context

NOUN = nouns.SNAPSHOT_POLICY


class CreateSnapshotPolicy(
    Command, name="createSnapshotPolicy", response=SNAPSHOT_POLICY, event="SNAPSHOTPOLICY.CREATE"
):
    """Has snapshots of a volume made every hour, day, week or month; a volume has one policy for each of these."""

    volumeid = ref(nouns.VOLUME, required=True)
    intervaltype = string("How often", required=True, values=snapshot_policy.TYPES)
    schedule = string(
        "When: minutes past the hour (MM), with the hour (MM:HH) for DAILY, and with the day (MM:HH:DD) for WEEKLY, from "
        "1, Sunday, to 7, and MONTHLY, from 1 to 28",
        required=True,
    )
    timezone = string("The time zone that the schedule is meant in, such as UTC or Europe/Berlin", required=True)
    maxsnaps = integer("How many of its snapshots are kept: a new one removes the oldest", required=True)
    fordisplay = boolean(since="4.4")
    tags = mapping("What its snapshots are tagged with")
    zoneids = refs(nouns.ZONE, "More zones, to image stores of which its snapshots are copied")
    storageids = refs(nouns.STORAGE_POOL, NO_POOLS, since="4.21.0")
    usestoragereplication = boolean(NO_REPLICATION, since="4.21.0")

    def run(self, ctx: Context) -> Body:
        access.must_own(ctx, nouns.VOLUME, self.volumeid)
        snapshot_orders.check_replication(self.storageids or (), self.usestoragereplication)
        made = snapshot_policy.create(
            ctx,
            self.volumeid,
            interval=self.intervaltype,
            schedule=self.schedule,
            timezone=self.timezone,
            keep=self.maxsnaps,
            display=self.fordisplay,
            zones=self.zoneids or (),
            tags=self.tags,
        )
        return {"snapshotpolicy": ctx.present("snapshotpolicy", made)[0]}


class UpdateSnapshotPolicy(
    AsyncCommand, name="updateSnapshotPolicy", response=SNAPSHOT_POLICY, event="SNAPSHOTPOLICY.UPDATE"
):
    """Changes whether a snapshot policy is shown, or its id."""

    id = ref(NOUN)
    customid = string(since="4.4", admin=True)
    fordisplay = boolean(since="4.4")

    def run(self, ctx: Context) -> Body:
        if self.id is None:
            raise BadParameter("parameter id is missing")
        access.must_own(ctx, NOUN, self.id)
        return {"jobid": snapshot_policy.order_update(ctx, self.id, display=self.fordisplay, uuid=self.customid)}


class DeleteSnapshotPolicies(Command, name="deleteSnapshotPolicies", response=SUCCESS, event="SNAPSHOTPOLICY.DELETE"):
    """Deletes snapshot policies; the snapshots they made stay."""

    id = ref(NOUN)
    ids = refs(NOUN)

    def run(self, ctx: Context) -> Body:
        rows = [*([self.id] if self.id else []), *(self.ids or [])]
        for row in rows:
            access.must_own(ctx, NOUN, row)
        snapshot_policy.delete(ctx, rows)
        return {"success": True}


class ListSnapshotPolicies(ScopedList, name="listSnapshotPolicies", response=SNAPSHOT_POLICY):
    """Lists snapshot policies."""

    id = ref(NOUN)
    volumeid = ref(nouns.VOLUME)
    fordisplay = boolean(since="4.4")

    def run(self, ctx: Context) -> Body:
        return self.select(
            ctx, snapshot_policy.LISTING, id=id_of(self.id), volume=id_of(self.volumeid), display=self.fordisplay
        )
