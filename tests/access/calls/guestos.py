"""Guest operating systems, their categories, what hypervisors call them and can do: for root admins."""

from __future__ import annotations

from typing import Any

from access_cast import Cast
from access_rows import Row, thing


@thing("ownoscategory", owned="cloud")
async def _category(cast: Cast, **_: Any) -> str:
    return (await cast.api.call("addOsCategory", name="mine"))["oscategory"]["id"]


@thing("emptyoscategory", owned="cloud")
async def _empty(cast: Cast, **_: Any) -> str:
    return (await cast.api.call("addOsCategory", name="empty"))["oscategory"]["id"]


@thing("ownostype", owned="cloud", needs=("ownoscategory",))
async def _os(cast: Cast, **owner: Any) -> str:
    given = {"osdisplayname": "mine", "oscategoryid": cast.id("ownoscategory", owner)}
    return (await cast.api.job("addGuestOs", **given))["ostype"]["id"]


@thing("unusedostype", owned="cloud", needs=("ownoscategory",))
async def _unused(cast: Cast, **owner: Any) -> str:
    given = {"osdisplayname": "unused", "oscategoryid": cast.id("ownoscategory", owner)}
    return (await cast.api.job("addGuestOs", **given))["ostype"]["id"]


@thing("guestosmapping", owned="cloud", needs=("ownostype",))
async def _mapping(cast: Cast, **owner: Any) -> str:
    given = {"ostypeid": cast.id("ownostype", owner), "osnameforhypervisor": "mine", **KVM}
    return (await cast.api.job("addGuestOsMapping", **given))["guestosmapping"]["id"]


@thing("capabilities", owned="cloud")
async def _capabilities(cast: Cast, **_: Any) -> str:
    return (await cast.api.call("listHypervisorCapabilities"))["hypervisorCapabilities"][0]["id"]


KVM = {"hypervisor": "KVM", "hypervisorversion": "default"}

ROWS = [
    Row("addOsCategory", name="made"),
    Row("updateOsCategory", "ownoscategory", isfeatured=True),
    Row("deleteOsCategory", "emptyoscategory"),
    Row("addGuestOs", "ownoscategory", by="oscategoryid", osdisplayname="made"),
    Row("updateGuestOs", "ownostype", osdisplayname="else"),
    Row("removeGuestOs", "unusedostype"),
    Row("addGuestOsMapping", "unusedostype", by="ostypeid", osnameforhypervisor="made", **KVM),
    Row("updateGuestOsMapping", "guestosmapping", osnameforhypervisor="else"),
    Row("removeGuestOsMapping", "guestosmapping"),
    Row("listGuestOsMapping", "guestosmapping", listed=False),
    Row("getHypervisorGuestOsNames", **KVM),
    Row("updateHypervisorCapabilities", "capabilities", maxguestslimit=7),
]
