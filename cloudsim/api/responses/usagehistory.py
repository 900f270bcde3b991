"""Samples of what machines and volumes used."""

from __future__ import annotations

from cloudsim.api.responses.base import Response

_SAMPLE = Response(
    "stats",
    string="cpuused networkread networkwrite",
    long="diskiopstotal diskioread diskiowrite diskkbsread diskkbswrite memoryintfreekbs memorykbs memorytargetkbs "
    "networkkbsread networkkbswrite",
    date="timestamp",
)
MACHINE_HISTORY = Response("virtualmachine", string="displayname id name", nested={"stats": ("list", _SAMPLE)})
VOLUME_HISTORY = Response("volume", string="id name", list="stats")
