"""Events: what happened, to whom, who did it."""

from __future__ import annotations

from cloudsim.core.caller import Caller
from cloudsim.db.database import WriteTransaction
from cloudsim.db.schema import event


def record(
    tx: WriteTransaction,
    *,
    uuid: str,
    now: int,
    type: str,
    description: str,
    caller: Caller,
    state: str = "Completed",
    level: str = "INFO",
    start_id: int | None = None,
    account_id: int | None = None,
    domain_id: int | None = None,
    resource_type: str | None = None,
    resource_uuid: str | None = None,
    display: bool = True,
) -> int:
    """Writes one event down; answers its id. `account_id`, `domain_id`: of the owner, when it is not the caller."""
    return tx.insert(
        event,
        uuid=uuid,
        type=type,
        state=state,
        level=level,
        description=description,
        user_id=caller.user_id,
        account_id=caller.account_id if account_id is None else account_id,
        domain_id=caller.domain_id if domain_id is None else domain_id,
        start_id=start_id,
        resource_type=resource_type,
        resource_uuid=resource_uuid,
        archived=False,
        display=display,
        created=now,
    )
