"""Hosts, pools and requests with something sensible in every field that a test does not care about."""

from __future__ import annotations

import random
from typing import Any

from cloudsim.allocators.base import HostCandidate, PoolCandidate, Request, VolumeRequest

MIB = 1024**2
GIB = 1024**3


def host(number: int = 1, **fields: Any) -> HostCandidate:
    """An empty host of 8 cores of 2000 MHz and 16 GB, in cluster 1 of pod 1."""
    values: dict[str, Any] = {
        "id": number,
        "uuid": f"host-uuid-{number}",
        "name": f"host{number}",
        "zone_id": 1,
        "pod_id": 1,
        "cluster_id": 1,
        "hypervisor": "KVM",
        "status": "Up",
        "resource_state": "Enabled",
        "cpu_total": 16000.0,
        "cpu_used": 0.0,
        "memory_total": 16.0 * GIB,
        "memory_used": 0.0,
        "cpu_speed": 2000,
        "cpu_cores": 8,
    }
    return HostCandidate(**(values | fields))


def pool(number: int = 1, **fields: Any) -> PoolCandidate:
    """An empty pool of 100 GB for the whole zone."""
    values: dict[str, Any] = {
        "id": number,
        "uuid": f"pool-uuid-{number}",
        "name": f"pool{number}",
        "zone_id": 1,
        "cluster_id": None,
        "pod_id": None,
        "scope": "ZONE",
        "status": "Up",
        "total": 100.0 * GIB,
        "allocated": 0.0,
    }
    return PoolCandidate(**(values | fields))


def request(**fields: Any) -> Request:
    """One CPU of 500 MHz and 512 MB."""
    return Request(**({"cpus": 1, "speed": 500, "memory": 512 * MIB, "hypervisor": "KVM"} | fields))


def volume(gigabytes: float = 8, **fields: Any) -> VolumeRequest:
    """A volume that needs a pool."""
    return VolumeRequest(int(gigabytes * GIB), **fields)


def chance(seed: int = 1) -> random.Random:
    """Chance that repeats itself."""
    return random.Random(seed)
