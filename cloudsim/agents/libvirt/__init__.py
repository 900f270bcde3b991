"""The driver of libvirt hosts: QEMU with KVM or without, and libvirt's own ``test`` hypervisor.

Importing this package does not import libvirt: the library is loaded when a host is spoken to for the first time, and a
server without it (the extra ``cloudsim-server[libvirt]``) runs all the same.
"""

from cloudsim.agents.libvirt.driver import LibvirtDriver

__all__ = ["LibvirtDriver"]
