"""What a fresh installation of the reference holds: the root domain, the admin with keys, roles, offerings, OS types.

Runs once, in one transaction, when the database is empty: a server that dies meanwhile finds it empty again.
"""

from __future__ import annotations

from typing import Any

from cloudsim.core.caller import ADMIN, Caller
from cloudsim.core.ids import Ids, secret
from cloudsim.core.reference import reference
from cloudsim.db import schema
from cloudsim.db.database import Transaction, WriteTransaction
from cloudsim.services import identity, passwords
from cloudsim.services.context import Cipher

GIB = 1024**3

#: (name, text, cpus, MHz, MB)
SERVICE_OFFERINGS = (("Small Instance", 1, 500, 512), ("Medium Instance", 1, 1000, 1024))
#: (name, text, GiB); 0: the user chooses
DISK_OFFERINGS = (("Small", 5), ("Medium", 20), ("Large", 100), ("Custom", 0))
#: (name, system VM type, cpus, MHz, MB, high availability)
SYSTEM_OFFERINGS = (
    ("System Offering For Software Router", "domainrouter", 1, 500, 512, True),
    ("System Offering For Internal LB VM", "internalloadbalancervm", 1, 256, 256, True),
    ("System Offering For Console Proxy", "consoleproxy", 1, 500, 1024, False),
    ("System Offering For Secondary Storage VM", "secondarystoragevm", 1, 500, 512, False),
    ("System Offering For Elastic LB VM", "elasticloadbalancervm", 1, 128, 128, True),
)
#: (name, OS type, format, hypervisor, type, bytes)
TEMPLATES = (
    ("SystemVM Template (simulator)", "Debian GNU/Linux 5.0 (64-bit)", "VHD", "Simulator", "SYSTEM", 2 * GIB),
    ("SystemVM Template (KVM)", "Debian GNU/Linux 5.0 (64-bit)", "QCOW2", "KVM", "SYSTEM", 2 * GIB),
    ("CentOS 5.6 (64-bit) no GUI (Simulator)", "CentOS 5.6 (64-bit)", "VHD", "Simulator", "BUILTIN", 2 * GIB),
    ("CentOS 5.5(64-bit) no GUI (KVM)", "CentOS 5.5 (64-bit)", "QCOW2", "KVM", "BUILTIN", 8 * GIB),
)


def is_empty(tx: Transaction) -> bool:
    """Whether the database holds nothing yet."""
    return tx.scalar(_ANY_DOMAIN) is None


def fill(tx: WriteTransaction, ids: Ids, cipher: Cipher, now: int, admin_password: str) -> Caller:
    """Writes the defaults; answers the admin. `admin_password` is an argon2 hash."""

    def resource(table: Any, **values: Any) -> int:
        return tx.insert(table, uuid=ids.uuid(), created=now, removed=None, **values)

    root = resource(schema.domain, name="ROOT", parent_id=None, path="/", level=0, network_domain=None, state="Active")
    roles = _roles(tx, ids, now)
    admin_id = 0
    for name, is_default, first, last in (("system", True, "system", "cloud"), ("admin", True, "Admin", "User")):
        account_id = resource(
            schema.account,
            name=name,
            type=ADMIN,
            domain_id=root,
            role_id=roles["Root Admin"],
            state="enabled",
            network_domain=None,
            default_zone_id=None,
            is_default=is_default,
            api_key_access=None,
            project_uuid=None,
            project_name=None,
            needs_cleanup=False,
        )
        keyed = name == "admin"
        admin_id = resource(
            schema.user,
            username=name,
            password=admin_password if keyed else "*",
            firstname=first,
            lastname=last,
            email="admin@mailprovider.com" if keyed else None,
            timezone=None,
            state="enabled",
            account_id=account_id,
            domain_id=root,
            api_key=secret() if keyed else None,
            secret_key=cipher.seal(secret()) if keyed else None,
            is_default=True,
            source="native",
            api_key_access=None,
            two_factor=None,
            two_factor_secret=None,
            two_factor_verified=False,
            two_factor_mandated=False,
            two_factor_step=0,
        )
    tx.insert(schema.region, number=1, name="Local", endpoint="http://localhost:8080/client/")
    _os_types(tx, ids, now)
    router = _service_offerings(tx, ids, now)
    _network_offerings(tx, ids, now, router)
    _templates(tx, ids, now, root)
    caller = identity.by_user_id(tx, admin_id)
    assert caller is not None
    return caller


def _roles(tx: WriteTransaction, ids: Ids, now: int) -> dict[str, int]:
    made = {}
    for name, role in reference("roles").items():
        made[name] = tx.insert(
            schema.role,
            uuid=ids.uuid(),
            name=name,
            type=role["type"],
            description=None,
            is_default=role["isdefault"],
            is_public=role["ispublic"],
            state="enabled",
            created=now,
            removed=None,
        )
        tx.insert_many(
            schema.role_permission,
            [
                {
                    "uuid": ids.uuid(),
                    "role_id": made[name],
                    "rule": rule.removeprefix("!"),
                    "permission": "deny" if rule.startswith("!") else "allow",
                    "sort_order": order,
                    "description": None,
                }
                for order, rule in enumerate(role["rules"])
            ],
        )
    return made


def _os_types(tx: WriteTransaction, ids: Ids, now: int) -> None:
    categories: dict[str, int] = {}
    rows = []
    for row in reference("ostypes"):
        category = row["category"]
        if category not in categories:
            categories[category] = tx.insert(
                schema.guest_os_category, uuid=ids.uuid(), name=category, featured=True, created=now, sort_key=0
            )
        rows.append(
            {
                "uuid": ids.uuid(),
                "category_id": categories[category],
                "name": row["name"],
                "short_name": None,
                "user_defined": False,
                "for_display": True,
                "created": now,
                "removed": None,
            }
        )
    tx.insert_many(schema.guest_os, rows)
    tx.insert_many(
        schema.guest_os_mapping,
        [
            {
                "uuid": ids.uuid(),
                "created": now,
                "removed": None,
                "hypervisor": "Simulator",
                "hypervisor_version": "default",
                "guest_os_id": row["id"],
                "hypervisor_name": row["name"],
                "user_defined": False,
            }
            for row in tx.all(_OS)
        ],
    )


def disk_offering(tx: WriteTransaction, ids: Ids, now: int, name: str, **values: Any) -> int:
    """A disk offering with the defaults of all that is not given; answers its id."""
    row: dict[str, Any] = {column.name: None for column in schema.disk_offering.c if column.name != "id"}
    row.update(
        uuid=ids.uuid(),
        created=now,
        name=name,
        display_text=name,
        size=0,
        customized=False,
        customized_iops=False,
        storage_type="shared",
        provisioning="thin",
        display=True,
        encrypt=False,
        size_strict=False,
        domain_ids=[],
        zone_ids=[],
        compute_only=False,
        state="Active",
        sort_key=0,
    )
    row.update(values)
    return tx.insert(schema.disk_offering, row)


def service_offering(tx: WriteTransaction, ids: Ids, now: int, name: str, disk_id: int, **values: Any) -> int:
    """A service offering with the defaults of all that is not given; answers its id."""
    row: dict[str, Any] = {column.name: None for column in schema.service_offering.c if column.name != "id"}
    row.update(
        uuid=ids.uuid(),
        created=now,
        name=name,
        display_text=name,
        disk_offering_id=disk_id,
        disk_offering_strictness=False,
        offer_ha=False,
        limit_cpu_use=False,
        is_volatile=False,
        dynamic_scaling=True,
        is_system=False,
        root_disk_size=0,
        is_default=False,
        details={},
        domain_ids=[],
        zone_ids=[],
        state="Active",
        sort_key=0,
    )
    row.update(values)
    return tx.insert(schema.service_offering, row)


def _service_offerings(tx: WriteTransaction, ids: Ids, now: int) -> int:
    for name, cpus, speed, memory in SERVICE_OFFERINGS:
        disk = disk_offering(tx, ids, now, name, compute_only=True)
        service_offering(tx, ids, now, name, disk, cpu_number=cpus, cpu_speed=speed, memory=memory)
    for name, size in DISK_OFFERINGS:
        disk_offering(
            tx,
            ids,
            now,
            name,
            display_text=f"{name} Disk, {size} GB" if size else "Custom Disk",
            size=size * GIB,
            customized=size == 0,
        )
    router = 0
    for name, kind, cpus, speed, memory, ha in SYSTEM_OFFERINGS:
        for suffix, storage in (("", "shared"), (" - Local Storage", "local")):
            disk = disk_offering(tx, ids, now, name + suffix, compute_only=True, storage_type=storage)
            made = service_offering(
                tx,
                ids,
                now,
                name + suffix,
                disk,
                cpu_number=cpus,
                cpu_speed=speed,
                memory=memory,
                offer_ha=ha,
                is_system=True,
                system_vm_type=kind,
                is_default=True,
            )
            if kind == "domainrouter" and storage == "shared":
                router = made
    return router


#: What the API shows of a network offering beside its columns.
SHOWN = (
    "fornsx",
    "fortungsten",
    "supportsstrechedl2subnet",
    "supportspublicaccess",
    "supportsinternallb",
    "specifyasnumber",
    "networkmode",
    "details",
)


def _network_offerings(tx: WriteTransaction, ids: Ids, now: int, router: int) -> None:
    for offering in reference("networkofferings"):
        virtual = any(p["name"] == "VirtualRouter" for s in offering.get("service", []) for p in s.get("provider", []))
        tx.insert(
            schema.network_offering,
            uuid=ids.uuid(),
            created=now,
            removed=None,
            name=offering["name"],
            display_text=offering.get("displaytext") or offering["name"],
            traffic_type=offering["traffictype"],
            guest_type=offering["guestiptype"],
            state=offering["state"],
            availability=offering["availability"],
            network_rate=offering.get("networkrate"),
            is_default=offering["isdefault"],
            is_system=False,
            specify_vlan=offering["specifyvlan"],
            specify_ip_ranges=offering["specifyipranges"],
            conserve_mode=offering["conservemode"],
            for_vpc=offering["forvpc"],
            is_persistent=offering["ispersistent"],
            egress_default_allow=offering["egressdefaultpolicy"],
            strict_ip_allocation=False,
            internet_protocol=offering.get("internetprotocol") or "IPv4",
            services=offering.get("service", []),
            shown={name: offering[name] for name in SHOWN if name in offering},
            tags=[],
            domain_ids=[],
            zone_ids=[],
            service_offering_id=router if virtual else None,
            sort_key=0,
        )


def _templates(tx: WriteTransaction, ids: Ids, now: int, root: int) -> None:
    for name, os, format_, hypervisor, kind, size in TEMPLATES:
        tx.insert(
            schema.template,
            uuid=ids.uuid(),
            created=now,
            removed=None,
            name=name,
            display_text=name,
            url=None,
            format=format_,
            type=kind,
            hypervisor=hypervisor,
            arch="x86_64",
            guest_os_id=tx.scalar(_OS_BY_NAME, name=os) or tx.scalar(_OS_BY_NAME, name="Other (64-bit)"),
            account_id=1,
            domain_id=root,
            is_public=kind == "BUILTIN",
            is_featured=kind == "BUILTIN",
            is_extractable=False,
            is_bootable=True,
            cross_zones=True,
            password_enabled=False,
            sshkey_enabled=False,
            dynamically_scalable=False,
            requires_hvm=False,
            deploy_as_is=False,
            for_cks=False,
            direct_download=False,
            checksum="",
            tag=None,
            size=size,
            physical_size=size,
            state="Active",
            source_template_id=None,
            sort_key=0,
        )


async def password_hash(password: str) -> str:
    """The stored form of the admin's password."""
    return await passwords.hash_later(password)


def _statements() -> tuple[Any, Any, Any]:
    from sqlalchemy import bindparam, select

    os = schema.guest_os
    by_name = select(os.c.id).where(os.c.name == bindparam("name"))
    return select(schema.domain.c.id).limit(1), by_name, select(os.c.id, os.c.name).order_by(os.c.id)


_ANY_DOMAIN, _OS_BY_NAME, _OS = _statements()
