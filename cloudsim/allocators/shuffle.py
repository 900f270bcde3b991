"""A shuffle that asks chance once: the operating system's randomness costs as much for one byte as for many."""

from __future__ import annotations

import random
from typing import TypeVar

T = TypeVar("T")


def shuffled(items: list[T], chance: random.Random) -> list[T]:
    """`items` in a new order, each as likely as any other: every item draws 64 bits, and they are sorted by them."""
    keys = memoryview(chance.randbytes(8 * len(items))).cast("Q")
    return [items[at] for at in sorted(range(len(items)), key=keys.__getitem__)]
