"""Selectors of secondary storage: scripts that name a store for what is new."""

from __future__ import annotations

from cloudsim.api.command import Body, Command, ListCommand, id_of
from cloudsim.api.params import boolean, ref, string
from cloudsim.api.responses.imagestore import SELECTOR
from cloudsim.services import nouns, storageselector
from cloudsim.services.context import Context

_OURS = "the reference lists and removes selectors; the command that {} them is not among those measured"
_RULE = (
    "The script; its syntax is checked, and what is new goes where image.store.allocation.algorithm says all the same"
)


class CreateSecondaryStorageSelector(
    Command, name="createSecondaryStorageSelector", response=SELECTOR, since="4.19.0", ours=_OURS.format("makes")
):
    """Keeps a script that selects the secondary storage for what is new in a zone."""

    name = string(required=True)
    description_ = string(required=True, name="description")
    heuristicrule = string(_RULE, required=True, length=65535)
    type = string(required=True, values=storageselector.TYPES)
    zoneid = ref(nouns.ZONE, required=True)

    def run(self, ctx: Context) -> Body:
        made = storageselector.create(
            ctx,
            name=self.name,
            description=self.description_,
            zone=self.zoneid,
            kind=self.type,
            rule=self.heuristicrule,
        )
        return {"heuristics": ctx.present("heuristics", made)[0]}


class UpdateSecondaryStorageSelector(
    Command, name="updateSecondaryStorageSelector", response=SELECTOR, since="4.19.0", ours=_OURS.format("changes")
):
    """Gives a selector of secondary storage another script."""

    id = ref(nouns.STORAGE_SELECTOR, required=True)
    heuristicrule = string(_RULE, required=True, length=65535)

    def run(self, ctx: Context) -> Body:
        storageselector.update(ctx, self.id, self.heuristicrule)
        return {"heuristics": ctx.present("heuristics", self.id["id"])[0]}


class RemoveSecondaryStorageSelector(Command, name="removeSecondaryStorageSelector", since="4.19.0"):
    """Removes a selector of secondary storage."""

    id = ref(nouns.STORAGE_SELECTOR, required=True)

    def run(self, ctx: Context) -> Body:
        storageselector.remove(ctx, self.id)
        return {"success": True}


class ListSecondaryStorageSelectors(
    ListCommand, name="listSecondaryStorageSelectors", response=SELECTOR, since="4.19.0"
):
    """Lists the selectors of secondary storage of a zone."""

    zoneid = ref(nouns.ZONE, required=True)
    showremoved = boolean("Whether those that were removed are listed too")
    type = string("Only those for this purpose")

    def run(self, ctx: Context) -> Body:
        return self.select(
            ctx,
            storageselector.LISTING,
            zone=id_of(self.zoneid),
            type=storageselector.kind_of(self.type) if self.type else None,
            there=None if self.showremoved else True,
        )
