"""What holds a network card or one of its addresses: rules that lead to it.

Whoever has rules for addresses of machines registers here what tells of them; cards and addresses with rules are neither
removed nor changed.
"""

from __future__ import annotations

from collections.abc import Callable

from cloudsim.core.errors import InvalidValue
from cloudsim.db.database import Row
from cloudsim.services.context import Context

#: ``(ctx, nic, address)``: what leads to an address of a card, in words for a message; None where nothing does.
#: `address` None: to any of its addresses.
Question = Callable[[Context, Row, str | None], str | None]
QUESTIONS: list[Question] = []


def register(question: Question) -> Question:
    """Has `question` asked before a card or an address goes."""
    QUESTIONS.append(question)
    return question


def must_be_free(ctx: Context, card: Row, address: str | None = None) -> None:
    """Raises `InvalidValue` where a rule leads to an address of a card, or to that one."""
    for question in QUESTIONS:
        found = question(ctx, card, address)
        if found is not None:
            raise InvalidValue(f"{address or 'the network card'} is in use by {found}: remove it first")
