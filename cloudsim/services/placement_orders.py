"""Counting anew, by order of an admin, what hosts and storage pools have given away."""

from __future__ import annotations

from typing import Any

from cloudsim.db import placement as db
from cloudsim.jobs.job import Order
from cloudsim.jobs.workflow import single
from cloudsim.services.context import Context


def clean(ctx: Context) -> str:
    """Orders it; answers the job's uuid."""
    return ctx.submit(
        Order(
            command=ctx.command,
            workflow="placement.clean",
            arguments={},
            event="VM.RESERVATION.CLEANUP",
            event_text="counting anew what hosts and storage have given away",
            account_id=ctx.caller.account_id,
            domain_id=ctx.caller.domain_id,
        )
    )


def _clean(ctx: Context) -> dict[str, Any]:
    db.recalculate(ctx.tx)
    return {"success": True}


single("placement.clean", _clean)
