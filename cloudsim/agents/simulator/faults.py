"""Faults on order: rules that make commands slow, fail, get lost or hang. They are part of the world, like its hosts.

For each command that comes, the rules are tried in the order in which they were made. A rule *hits* when it is written
for the command and for the place of the host, when it has some of its `count` left, and when chance says so. What hits
adds its `seconds` of waiting; the first that does more than wait decides what happens, and the rest are not tried.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import orjson

from cloudsim.agents.base import HostAddress
from cloudsim.agents.simulator.world import World

#: What a rule can do. Each waits `seconds` first.
KINDS = {
    "delay": "waits, then goes on as if nothing had been",
    "fail": "fails; nothing is done",
    "fail_after": "does it, then fails; asking again fails again",
    "lose": "does it, then the answer is lost; asking again gives it",
    "hang": "never answers and does nothing, until the caller gives up",
    "drop": "the host is unreachable; nothing is done",
    "answer": "says it was done, with `answer`; nothing is done",
}
#: A host does not refuse, or lie about, what it has carried out before: these do not hit a command asked again.
_NOT_AGAIN = ("fail", "fail_after", "answer")


@dataclass(frozen=True, slots=True)
class Rule:
    """One fault. Places are uuids; None is anywhere."""

    #: CloudStack's name of the command (`Command.wire`), or ``*`` for all.
    command: str
    kind: str
    #: Waited before `kind` takes effect.
    seconds: float = 0.0
    #: What an administrator reads of it.
    text: str = "Simulated failure"
    #: How often it still hits; None is without end. At 0 the rule stays, to be looked at, and does nothing.
    count: int | None = None
    probability: float = 1.0
    zone: str | None = None
    pod: str | None = None
    cluster: str | None = None
    host: str | None = None
    #: For the kind ``answer``: what replaces values of the answer that the command would have.
    answer: Mapping[str, Any] | None = None
    #: Given by `Faults.add`.
    id: int = 0

    def __post_init__(self) -> None:
        if not self.command:
            raise ValueError("a fault rule needs a command's name, or *")
        if self.kind not in KINDS:
            raise ValueError(f"fault kind {self.kind!r} is none of {', '.join(sorted(KINDS))}")
        if not 0 <= self.seconds < float("inf"):
            raise ValueError(f"a fault rule cannot wait {self.seconds} seconds")
        if not 0 <= self.probability <= 1:
            raise ValueError(f"probability {self.probability} is not between 0 and 1")
        if self.count is not None and self.count < 0:
            raise ValueError(f"count {self.count} is below 0")

    def scope(self) -> tuple[str | None, ...]:
        """What the rule is written for: command, zone, pod, cluster, host."""
        return self.command, self.zone, self.pod, self.cluster, self.host

    def matches(self, command: str, host: HostAddress) -> bool:
        """Whether it is written for that command at that host."""
        places = host.places
        return (
            self.command in ("*", command)
            and self.host in (None, host.uuid)
            and (self.cluster is None or self.cluster == places.get("cluster"))
            and (self.pod is None or self.pod == places.get("pod"))
            and (self.zone is None or self.zone == places.get("zone"))
        )


class Faults:
    """The rules of a world: in memory to be tried quickly, written to the world's file with each change."""

    def __init__(self, world: World, chance: random.Random) -> None:
        self._world = world
        self._chance = chance
        self._rules: dict[int, Rule] = {}

    def load(self) -> None:
        """Reads the rules from the world."""
        rows = self._world.db.execute("SELECT id, remaining, rule FROM rules ORDER BY id")
        self._rules = {row[0]: Rule(**{**orjson.loads(row[2]), "id": row[0], "count": row[1]}) for row in rows}

    def __len__(self) -> int:
        return len(self._rules)

    def all(self) -> list[Rule]:
        """The rules in the order in which they are tried, with what is left of their counts."""
        return list(self._rules.values())

    def get(self, rule_id: int) -> Rule | None:
        """One rule, or None."""
        return self._rules.get(rule_id)

    def add(self, rule: Rule) -> int:
        """Adds the rule behind the others; returns its id."""
        with self._world.transaction() as db:
            done = db.execute("INSERT INTO rules (remaining, rule) VALUES (?, ?)", (rule.count, _dump(rule)))
            rule_id = int(done.lastrowid or 0)
        self._rules[rule_id] = replace(rule, id=rule_id)
        return rule_id

    def put(self, rule: Rule) -> int:
        """Adds the rule, in the place (and with the id) of one for the same command and places; returns its id."""
        same = next((one.id for one in self._rules.values() if one.scope() == rule.scope()), None)
        if same is None:
            return self.add(rule)
        with self._world.transaction() as db:
            db.execute("UPDATE rules SET remaining = ?, rule = ? WHERE id = ?", (rule.count, _dump(rule), same))
        self._rules[same] = replace(rule, id=same)
        return same

    def remove(self, *rule_ids: int) -> int:
        """Removes rules; returns how many of them were there."""
        there = [(rule_id,) for rule_id in rule_ids if rule_id in self._rules]
        with self._world.transaction() as db:
            db.executemany("DELETE FROM rules WHERE id = ?", there)
        for (rule_id,) in there:
            del self._rules[rule_id]
        return len(there)

    def hit(self, command: str, host: HostAddress, again: bool) -> Rule | None:
        """The rule that decides, with all the `seconds` to wait; None when none hits. What hit has one less left.

        `again`: the command was carried out before, and its answer only has to be given once more.
        """
        hits: list[Rule] = []
        for rule in self._rules.values():
            if rule.count == 0 or (again and rule.kind in _NOT_AGAIN) or not rule.matches(command, host):
                continue
            if rule.probability < 1 and self._chance.random() >= rule.probability:
                continue
            hits.append(rule)
            if rule.kind != "delay":
                break
        if not hits:
            return None
        self._count_down([rule for rule in hits if rule.count is not None])
        return replace(hits[-1], seconds=sum(rule.seconds for rule in hits))

    def _count_down(self, rules: list[Rule]) -> None:
        if not rules:
            return
        with self._world.transaction() as db:
            db.executemany("UPDATE rules SET remaining = remaining - 1 WHERE id = ?", [(rule.id,) for rule in rules])
        for rule in rules:
            self._rules[rule.id] = replace(rule, count=(rule.count or 1) - 1)


def _dump(rule: Rule) -> bytes:
    fields = asdict(rule)
    del fields["id"], fields["count"]
    return orjson.dumps(fields)
