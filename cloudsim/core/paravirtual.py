"""Which bus the disks of a guest are on: virtio where its operating system has drivers for it, else IDE.

The reference decides by the beginning of the name of the OS type (``getGuestDiskModel`` of its agent for KVM), unless the
details of the machine, or of its template, say ``rootDiskController`` or ``dataDiskController``.
"""

from __future__ import annotations

from collections.abc import Mapping

#: Buses that a disk can be on.
BUSES = ("virtio", "scsi", "ide", "sata")
ROOT_DETAIL, DATA_DETAIL = "rootDiskController", "dataDiskController"
_SCSI = "Other PV Virtio-SCSI"
_PARAVIRTUAL = (
    "AlmaLinux",
    "CentOS",
    "Debian GNU/Linux",
    "Fedora",
    "FreeBSD",
    "Oracle",
    "Other PV",
    "Red Hat Enterprise Linux",
    "Rocky Linux",
)
#: Found anywhere in the name.
_ANYWHERE = ("Ubuntu",)
#: Started by UEFI these have drivers for SATA.
_UEFI = ("Windows", "Other")


def bus_of(os: str, *, arch: str = "x86_64", uefi: bool = False) -> str:
    """The bus of the disks of an OS type by its name.

    >>> bus_of("Ubuntu 22.04 LTS"), bus_of("Windows 7 (32-bit)")
    ('virtio', 'ide')
    """
    if os.startswith(_SCSI) or arch == "aarch64":
        return "scsi"
    if os.startswith(_PARAVIRTUAL) or any(word in os for word in _ANYWHERE):
        return "virtio"
    return "sata" if uefi and os.startswith(_UEFI) else "ide"


def buses(os: str, details: Mapping[str, str], *, arch: str = "x86_64", uefi: bool = False) -> tuple[str, str]:
    """The bus of the root disk and that of data disks; `details` of the machine, or of its template, come first.

    A controller that is not known here (those of other hypervisors) counts as nothing said.
    """
    lower = {name.lower(): value.lower() for name, value in details.items()}
    root, data = lower.get(ROOT_DETAIL.lower(), ""), lower.get(DATA_DETAIL.lower(), "")
    if root not in BUSES:
        root = bus_of(os, arch=arch, uefi=uefi)
    if data not in BUSES:
        data = root if root in ("ide", "sata", "scsi") else "virtio"
    return root, data
