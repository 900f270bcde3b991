"""No destination: which rule left out what, told in a few lines."""

from __future__ import annotations

from collections.abc import Iterable

from cloudsim.allocators.base import Refusal
from cloudsim.core.errors import InsufficientCapacity, InsufficientServers, InsufficientStorage

LINES = 5
CHARACTERS = 600


def summary(head: str, refusals: Iterable[Refusal]) -> str:
    """`head` and the reasons, those of one rule together, the commonest first; `LINES` and `CHARACTERS` at most."""
    groups: dict[tuple[str, str], list[Refusal]] = {}
    for refusal in refusals:
        groups.setdefault((refusal.kind, refusal.rule or refusal.reason), []).append(refusal)
    lines = [head + (":" if groups else "")]
    ordered = sorted(groups.items(), key=lambda item: -len(item[1]))
    shown = ordered if len(ordered) < LINES else ordered[: LINES - 2]
    for (kind, _), members in shown:
        first = members[0]
        number = len({member.uuid for member in members})
        who = f"{kind} {first.name}" if number == 1 else f"{number} {kind}s, such as {first.name}"
        lines.append(f"{who}: {first.reason}")
    if len(shown) < len(ordered):
        rest = sum(len(members) for _, members in ordered[len(shown) :])
        lines.append(f"and {rest} more for {len(ordered) - len(shown)} other reasons")
    width = (CHARACTERS - len(lines) + 1) // len(lines)
    if sum(map(len, lines)) + len(lines) - 1 > CHARACTERS:
        lines = [line if len(line) <= width else line[: width - 3] + "..." for line in lines]
    return "\n".join(lines)


class NoDestination(InsufficientCapacity):
    """Nothing has room for the machine; `NoHost` or `NoPool` says what was missing."""

    def __init__(self, refusals: Iterable[Refusal], head: str = "no destination found") -> None:
        #: Every place that was left out, and why.
        self.refusals = tuple(refusals)
        super().__init__(summary(head, self.refusals))


class NoHost(NoDestination, InsufficientServers):
    """No host can take the machine."""


class NoPool(NoDestination, InsufficientStorage):
    """Hosts could take the machine, but none reaches storage for its volumes."""
