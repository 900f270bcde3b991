"""The life of virtual machines: new passwords, keys and user data, a fresh root disk, another owner."""

from __future__ import annotations

from access_rows import Row

TAKES_PASSWORD = "UPDATE template SET password_enabled = TRUE WHERE id = (SELECT template_id FROM vm WHERE uuid = :id)"
TOLD = (
    "INSERT INTO detail (resource_type, resource_id, name, value, display)"
    " SELECT 'UserVm', id, 'Encrypted.Password', 'sealed', FALSE FROM vm WHERE uuid = :id"
)
NO_SNAPSHOTS = "UPDATE vm_snapshot SET removed = 1 WHERE vm_id = (SELECT id FROM vm WHERE uuid = :id)"
#: Nothing leads to the machine.
UNRULED = (
    f"{NO_SNAPSHOTS};UPDATE firewall_rule SET removed = 1 WHERE vm_id = (SELECT id FROM vm WHERE uuid = :id)"
    ";DELETE FROM load_balancer_vm WHERE vm_id = (SELECT id FROM vm WHERE uuid = :id)"
    ";UPDATE public_ip SET vm_id = NULL, static_nat = 0 WHERE vm_id = (SELECT id FROM vm WHERE uuid = :id)"
)

ROWS = [
    Row("resetPasswordForVirtualMachine", "virtualmachine", given=TAKES_PASSWORD),
    Row("resetSSHKeyForVirtualMachine", "virtualmachine", keypair="mine", spread=False),
    Row("getVMPassword", "virtualmachine", given=TOLD),
    Row("resetUserDataForVirtualMachine", "virtualmachine", userdata="aGVsbG8="),
    Row("restoreVirtualMachine", "virtualmachine", by="virtualmachineid", given=NO_SNAPSHOTS),
    Row(
        "assignVirtualMachine",
        "virtualmachine",
        by="virtualmachineid",
        given=UNRULED,
        account="other",
        domainid="@domain",
        spread=False,
    ),
    Row("cleanVMReservations"),
]
