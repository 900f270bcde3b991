"""How a simulated virtual router spreads connections over machines, by the load balancer part that it was told.

`Balancer` is the state that a load balancer has while it runs: whose turn it is, who has how many connections, which
client was sent where. `routing.inbound` asks a fresh one, so what it answers is where the first connection goes.

>>> balancer = Balancer(server.simulator.router(uuid))
>>> balancer.connect("192.168.2.9", "tcp", 80, "8.8.8.8")
('10.1.1.27', 8080)
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

Setting = Mapping[str, Any]
Target = tuple[str, int | None]


def transport(setting: Setting) -> str:
    """What the connections of a rule are: tcp or udp."""
    return "udp" if setting["protocol"] == "udp" else "tcp"


class Balancer:
    """The load balancers of one router, with the connections that are open. It knows nothing of the firewall."""

    def __init__(self, parts: Mapping[str, Sequence[Setting]]) -> None:
        self._settings = list(parts.get("loadbalancer", ()))
        self._turns: Counter[str] = Counter()
        self._open: Counter[tuple[str, str, int]] = Counter()
        #: Who was sent where: by rule and what clients are known by.
        self._known: dict[tuple[str, str], Target] = {}

    def connect(
        self, address: str, protocol: str, port: int | None, source: str, cookies: Mapping[str, str] | None = None
    ) -> Target | None:
        """Where a connection from `source` goes; None where no load balancer takes it. It is open until `close`.

        `cookies`: those of the request, where it is one of HTTP.
        """
        for setting in self._settings:
            if (setting["address"], transport(setting), setting["port"]) == (address, protocol, port):
                if not _admits(setting, source) or not setting["members"]:
                    return None
                target = self._remembered(setting, source, cookies or {}) or self._chosen(setting, source)
                self._open[(setting["rule"], *_key(target))] += 1
                self._remember(setting, source, cookies or {}, target)
                return target
        return None

    def close(self, address: str, port: int, target: Target) -> None:
        """A connection to a public address ends."""
        for setting in self._settings:
            if (setting["address"], setting["port"]) == (address, port):
                self._open[(setting["rule"], *_key(target))] -= 1

    def _chosen(self, setting: Setting, source: str) -> Target:
        members = [(one["guest"], one["port"]) for one in setting["members"]]
        if setting["algorithm"] == "source":
            return members[zlib.crc32(source.encode()) % len(members)]
        if setting["algorithm"] == "leastconn":
            return min(members, key=lambda one: self._open[(setting["rule"], *one)])
        turn = self._turns[setting["rule"]]
        self._turns[setting["rule"]] += 1
        return members[turn % len(members)]

    def _remembered(self, setting: Setting, source: str, cookies: Mapping[str, str]) -> Target | None:
        who = _client(setting, source, cookies)
        found = None if who is None else self._known.get((setting["rule"], who))
        there = {(one["guest"], one["port"]) for one in setting["members"]}
        return found if found in there else None

    def _remember(self, setting: Setting, source: str, cookies: Mapping[str, str], target: Target) -> None:
        who = _client(setting, source, cookies)
        if who is not None:
            self._known[setting["rule"], who] = target


def _key(target: Target) -> tuple[str, int]:
    return target[0], target[1] or 0


def _admits(setting: Setting, source: str) -> bool:
    # imported late: `routing` asks this module
    from cloudsim.agents.simulator.routing import within

    return not setting["sources"] or within(source, setting["sources"])


def _client(setting: Setting, source: str, cookies: Mapping[str, str]) -> str | None:
    """What a client is known by; None where it is not to be told from others."""
    policy = setting["stickiness"]
    if policy is None:
        return None
    if policy["method"] == "SourceBased":
        return source
    value = cookies.get(policy["params"].get("cookie-name", "SERVERID"))
    return None if value is None else value[: int(policy["params"].get("length", 52))]


def balanced(
    parts: Mapping[str, Sequence[Setting]], address: str, protocol: str, port: int | None, source: str
) -> Target | None:
    """Where the first connection from `source` would go."""
    return Balancer(parts).connect(address, protocol, port, source)
