"""Finds planners and allocators by the names that settings and offerings use.

The built-in ones are in a table here, so that they load without looking at what else is installed, and from a checkout
that is not installed at all. Any other name is looked for among the entry points of the group, which are read once,
when such a name is first asked for. A built-in name therefore always means the built-in part: a part of one's own needs
a name of its own, as does a planner in CloudStack.

A part is made once and kept; it has no state.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from cloudsim.allocators.base import HostAllocator, Planner, StorageAllocator
from cloudsim.core.errors import InvalidValue

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

PLANNERS = "cloudsim.planners"
HOST_ALLOCATORS = "cloudsim.host_allocators"
STORAGE_ALLOCATORS = "cloudsim.storage_allocators"

_HERE = "cloudsim.allocators."
#: Group, name: module and class. The names with ``userconcentratedpod`` are from before that was a planner.
_BUILT_IN: dict[str, dict[str, str]] = {
    PLANNERS: {
        "FirstFitPlanner": "planner_first_fit:FirstFitPlanner",
        "UserDispersingPlanner": "planner_user_dispersing:UserDispersingPlanner",
        "UserConcentratedPodPlanner": "planner_user_concentrated_pod:UserConcentratedPodPlanner",
    },
    HOST_ALLOCATORS: {
        "firstfit": "host_first_fit:FirstFit",
        "random": "host_random:Random",
        "userdispersing": "host_user_dispersing:UserDispersing",
        "fill": "host_fill:Fill",
        "spread": "host_spread:Spread",
        "firstfitleastconsumed": "host_spread:Spread",
        "userconcentratedpod_random": "host_random:Random",
        "userconcentratedpod_firstfit": "host_first_fit:FirstFit",
    },
    STORAGE_ALLOCATORS: {
        "firstfit": "pool_first_fit:FirstFit",
        "random": "pool_random:Random",
        "userdispersing": "pool_user_dispersing:UserDispersing",
        "fill": "pool_fill:Fill",
        "spread": "pool_spread:Spread",
        "firstfitleastconsumed": "pool_spread:Spread",
        "userconcentratedpod_random": "pool_random:Random",
        "userconcentratedpod_firstfit": "pool_first_fit:FirstFit",
    },
}


class UnknownPart(InvalidValue, KeyError):
    """No planner or allocator has this name."""

    def __str__(self) -> str:
        return self.message


@cache
def _entry_points(group: str) -> dict[str, EntryPoint]:
    """The installed entry points of a group by name; of two with one name, the first on the path."""
    from importlib.metadata import entry_points  # costs a good part of a start, and most never need it

    found: dict[str, EntryPoint] = {}
    for point in entry_points(group=group):
        found.setdefault(point.name, point)
    return found


def names(group: str) -> list[str]:
    """Every name that `load` knows in a group, in alphabetical order."""
    return sorted(_BUILT_IN.get(group, {}).keys() | _entry_points(group).keys())


@cache
def load(group: str, name: str) -> Any:
    """The part called `name` of a group of entry points. Raises `UnknownPart`, naming those there are."""
    built_in = _BUILT_IN.get(group, {}).get(name)
    if built_in is not None:
        module, _, attribute = built_in.partition(":")
        return getattr(import_module(_HERE + module), attribute)()
    point = _entry_points(group).get(name)
    if point is None:
        known = ", ".join(names(group)) or "none"
        raise UnknownPart(f"there is nothing called {name!r} in {group}; known names: {known}")
    return point.load()()


def planner(name: str) -> Planner:
    """The planner called `name`."""
    return cast(Planner, load(PLANNERS, name))


def host_allocator(name: str) -> HostAllocator:
    """The host allocator for the allocation algorithm `name`."""
    return cast(HostAllocator, load(HOST_ALLOCATORS, name))


def storage_allocator(name: str) -> StorageAllocator:
    """The storage allocator for the allocation algorithm `name`."""
    return cast(StorageAllocator, load(STORAGE_ALLOCATORS, name))


def forget() -> None:
    """Forgets what was loaded and read: the next `load` looks at what is installed then."""
    load.cache_clear()
    _entry_points.cache_clear()
