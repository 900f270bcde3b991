"""Apache Libcloud's CloudStack driver, against a real server."""

from __future__ import annotations

import asyncio
from urllib.parse import urlparse

from apiclient import Api
from libcloud.compute.base import NodeState
from libcloud.compute.drivers.cloudstack import CloudStackNodeDriver


def lifecycle(endpoint: str, key: str, secret: str) -> None:
    """What the driver can do with nodes."""
    url = urlparse(endpoint)
    driver = CloudStackNodeDriver(key=key, secret=secret, secure=False, host=url.hostname, port=url.port, path=url.path)
    driver.async_poll_frequency = 0.02
    driver.connection.poll_interval = 0.02
    assert driver.list_nodes() == []
    location = driver.list_locations()[0]
    size = next(size for size in driver.list_sizes() if size.name == "Small Instance")
    image = next(image for image in driver.list_images(location=location) if "Simulator" in image.name)
    node = driver.create_node(name="from-libcloud", size=size, image=image, location=location, ex_start_vm=True)
    assert node.state == NodeState.RUNNING
    assert node.private_ips
    assert [found.name for found in driver.list_nodes()] == ["from-libcloud"]
    assert driver.reboot_node(node)
    assert driver.ex_stop(node)
    assert driver.list_nodes()[0].state == NodeState.STOPPED
    assert driver.ex_start(node)
    assert driver.list_volumes()
    assert driver.ex_list_networks()
    assert driver.destroy_node(node, ex_expunge=True)
    assert driver.list_nodes() == []
    pair = driver.create_key_pair(name="mine")
    assert "PRIVATE KEY" in pair.private_key
    assert [found.name for found in driver.list_key_pairs()] == ["mine"]


async def test_lifecycle(api: Api) -> None:
    await asyncio.to_thread(lifecycle, api.endpoint, api.key, api.secret)
