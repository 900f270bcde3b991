"""Parts are found by name: built in, installed by a user, or not at all."""

from __future__ import annotations

import configparser
import importlib.metadata
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from candidates import chance, host, request

from cloudsim.allocators import registry
from cloudsim.allocators.base import Policy
from cloudsim.allocators.find import find
from cloudsim.core.errors import InvalidValue

OWN = '''
class Backwards:
    """Highest cluster id first."""

    def order(self, request, hosts, policy, chance):
        return sorted({host.cluster_id for host in hosts}, reverse=True), []
'''


@pytest.fixture
def own_planner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A user's own distribution with a planner, as an installer would leave it."""
    (tmp_path / "own_planners.py").write_text(OWN)
    metadata = tmp_path / "own_planners-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: own-planners\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        "[cloudsim.planners]\nBackwardsPlanner = own_planners:Backwards\nFirstFitPlanner = own_planners:Backwards\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    registry.forget()
    yield "BackwardsPlanner"
    sys.modules.pop("own_planners", None)
    registry.forget()


def test_a_user_s_own_planner_is_used(own_planner: str) -> None:
    hosts = [host(1, cluster_id=1), host(2, cluster_id=2, cpu_used=8000), host(3, cluster_id=3, cpu_used=4000)]
    assert find(request(), hosts, [], Policy(planner="FirstFitPlanner"), chance()).host.id == 1
    assert find(request(), hosts, [], Policy(planner=own_planner), chance()).host.id == 3
    assert own_planner in registry.names(registry.PLANNERS)


def test_a_built_in_name_always_means_the_built_in_part(own_planner: str) -> None:
    assert type(registry.planner("FirstFitPlanner")).__module__ == "cloudsim.allocators.planner_first_fit"


def test_built_in_names_need_no_look_at_what_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(**_: str) -> None:
        raise AssertionError("entry points were read")

    registry.forget()
    monkeypatch.setattr(importlib.metadata, "entry_points", never)
    assert registry.planner("FirstFitPlanner") is registry.planner("FirstFitPlanner")
    registry.host_allocator("random")
    registry.storage_allocator("random")


@pytest.mark.parametrize("group", [registry.PLANNERS, registry.HOST_ALLOCATORS, registry.STORAGE_ALLOCATORS])
def test_an_unknown_name_is_answered_with_the_known_ones(group: str) -> None:
    with pytest.raises(registry.UnknownPart) as caught:
        registry.load(group, "Nonsense")
    assert isinstance(caught.value, KeyError)
    assert isinstance(caught.value, InvalidValue)
    assert str(caught.value).startswith(f"there is nothing called 'Nonsense' in {group}; known names: ")
    for name in registry.names(group):
        assert name in str(caught.value)


def test_an_unknown_group_too() -> None:
    with pytest.raises(registry.UnknownPart, match="known names: none"):
        registry.load("cloudsim.nothing", "Nonsense")


def test_the_table_agrees_with_the_package_s_entry_points() -> None:
    setup = Path(__file__).parents[2] / "setup.cfg"
    config = configparser.ConfigParser(delimiters=("=",))
    config.optionxform = str  # type: ignore[assignment,method-assign]
    config.read(setup)
    groups = configparser.ConfigParser(delimiters=("=",))
    groups.optionxform = str  # type: ignore[assignment,method-assign]
    text = config["options.entry_points"]
    for group in (registry.PLANNERS, registry.HOST_ALLOCATORS, registry.STORAGE_ALLOCATORS):
        for line in text[group].strip().splitlines():
            name, _, value = line.partition("=")
            point = importlib.metadata.EntryPoint(name.strip(), value.strip(), group)
            assert type(registry.load(group, point.name)) is point.load()
