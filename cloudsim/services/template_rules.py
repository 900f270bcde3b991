"""What a template or ISO may be: formats, URLs, who may make it public, featured or the cloud's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from cloudsim.core import checksum
from cloudsim.core.diskimage import FORMATS as LOOKED_AT
from cloudsim.core.errors import BadParameter, InvalidValue, PermissionDenied
from cloudsim.db.database import Row
from cloudsim.outgoing import OutgoingError
from cloudsim.services.cluster import ARCHS
from cloudsim.services.context import Cloud, Context

#: Formats by the hypervisors that boot from them, in lower case; the simulator takes all.
FORMATS = {
    "kvm": ("QCOW2", "RAW", "VHD", "VHDX", "VMDK"),
    "xenserver": ("VHD",),
    "vmware": ("OVA",),
    "hyperv": ("VHD", "VHDX"),
    "lxc": ("TAR",),
    "ovm": ("RAW",),
    "ovm3": ("RAW",),
    "baremetal": ("BAREMETAL",),
    "simulator": ("QCOW2", "RAW", "VHD", "VHDX", "VMDK", "OVA", "TAR"),
}
#: How the hypervisors are written.
NAMES = {
    name.lower(): name
    for name in ("KVM", "XenServer", "VMware", "Hyperv", "LXC", "Ovm", "Ovm3", "BareMetal", "Simulator")
}
ISO = "ISO"
#: How the files of a format end, before what a compressed one ends with.
ENDINGS = {
    "QCOW2": (".qcow2", ".img"),
    "RAW": (".raw", ".img"),
    "VHD": (".vhd",),
    "VHDX": (".vhdx",),
    "VMDK": (".vmdk",),
    "OVA": (".ova",),
    "TAR": (".tar",),
    ISO: (".iso",),
}
COMPRESSED = ("", ".zip", ".bz2", ".gz")
#: The types that users may give, and those that only root admins may.
USER_TYPES, ADMIN_TYPES = ("USER",), ("USER", "ROUTING", "SYSTEM", "BUILTIN")


def hypervisor_of(name: str) -> str:
    """A hypervisor as it is written. Raises `InvalidValue`."""
    if name.lower() not in NAMES:
        raise InvalidValue(f"there are no templates for hypervisor {name[:32]} ({', '.join(NAMES.values())})")
    return NAMES[name.lower()]


def format_of(hypervisor: str, format: str) -> str:
    """The format of a template, where the hypervisor takes it. Raises `InvalidValue`."""
    taken = FORMATS[hypervisor.lower()]
    if format.upper() not in taken:
        raise InvalidValue(f"templates for {hypervisor} are {', '.join(taken)}, not {format[:32]}")
    return format.upper()


def can_be_looked_at(format: str) -> None:
    """Raises `InvalidValue` for a format that no file of a real image store may have."""
    if format not in LOOKED_AT:
        raise InvalidValue(f"files of the format {format} cannot be looked at: {', '.join(LOOKED_AT)} are taken here")


def check_ending(url: str, format: str) -> None:
    """Raises `BadParameter` where a URL does not end like a file of a format."""
    try:
        path = urlsplit(url).path.lower()
    except ValueError:
        raise BadParameter("the URL cannot be read") from None
    known = ENDINGS.get(format, ())
    if known and not path.endswith(tuple(ending + packed for ending in known for packed in COMPRESSED)):
        raise BadParameter(f"the URL of a file of the format {format} ends with {' or '.join(known)}, or so compressed")


async def check_url(cloud: Cloud, url: str, *, real: bool) -> None:
    """Looks whether a URL may be used, and in a zone with a real store whether its host is known. Raises `BadParameter`."""
    known = real and cloud.settings.flag("validate.url.is.resolvable.before.registering.template")
    try:
        await cloud.outgoing.check(url, resolve=known)
    except OutgoingError as error:
        raise BadParameter(str(error)) from None


def checked_sum(text: str | None) -> str | None:
    """A checksum as it was given. Raises `InvalidValue`."""
    if not text:
        return None
    try:
        checksum.parse(text)
    except ValueError as error:
        raise InvalidValue(str(error)) from None
    return text.strip()


def arch_of(text: str | None) -> str | None:
    """An architecture as it is written. Raises `InvalidValue`."""
    if text is None:
        return None
    if text.lower() not in ARCHS:
        raise InvalidValue(f"arch takes {', '.join(ARCHS)}, not '{text[:32]}'")
    return text.lower()


def type_of(ctx: Context, type_: str | None, routing: bool | None) -> str:
    """The type of a new template. Raises `InvalidValue`, `PermissionDenied`."""
    if routing and not ctx.caller.is_admin:
        raise PermissionDenied("templates of routers are for root admins to make")
    if type_ is None:
        return "ROUTING" if routing else "USER"
    if type_.upper() not in ADMIN_TYPES:
        raise InvalidValue(f"templatetype takes {', '.join(ADMIN_TYPES)} here, not '{type_[:32]}'")
    if type_.upper() not in USER_TYPES and not ctx.caller.is_admin:
        raise PermissionDenied(f"templates of the type {type_.upper()} are for root admins to make")
    if routing and type_.upper() != "ROUTING":
        raise InvalidValue("isrouting means the templatetype ROUTING: give one of them")
    return type_.upper()


def may_publish(ctx: Context, owner: Row, public: bool | None) -> None:
    """Raises `InvalidValue` where users may not make their templates public (setting allow.public.user.templates)."""
    if (
        public
        and not ctx.caller.is_admin
        and not ctx.settings.flag("allow.public.user.templates", ("Account", owner["id"]))
    ):
        raise InvalidValue("only private templates and ISOs can be made here (setting allow.public.user.templates)")


def deploys_as_is(hypervisor: str, as_is: bool | None) -> bool:
    """Whether machines are made as an OVA says. Raises `InvalidValue` for what is not VMware's."""
    if as_is and hypervisor.lower() != "vmware":
        raise InvalidValue("deployasis is for templates of VMware")
    return bool(as_is)


def refuse_direct(hypervisor: str, direct: bool | None) -> None:
    """Raises `InvalidValue`: hosts of this server fetch nothing by themselves."""
    if not direct:
        return
    if hypervisor.lower() not in ("kvm", "lxc"):
        raise InvalidValue("directdownload is for templates of KVM")
    raise InvalidValue("directdownload is not supported: this server's hosts fetch nothing by themselves")


def no_extension(extension: str | None, details: Mapping[str, Any] | None) -> None:
    """Raises `BadParameter`, `InvalidValue`: this server has no extensions."""
    if extension is not None:
        raise BadParameter(f"there is no extension with id {extension}")
    if details:
        raise InvalidValue("externaldetails are for templates of an extension: this server has none")
