"""The life of virtual machines: new passwords, keys and user data, a fresh root disk, another owner."""

from __future__ import annotations

from access_rows import Row

TAKES_PASSWORD = "UPDATE template SET password_enabled = TRUE WHERE id = (SELECT template_id FROM vm WHERE uuid = :id)"
TOLD = (
    "INSERT INTO detail (resource_type, resource_id, name, value, display)"
    " SELECT 'UserVm', id, 'Encrypted.Password', 'sealed', FALSE FROM vm WHERE uuid = :id"
)

ROWS = [
    Row("resetPasswordForVirtualMachine", "virtualmachine", given=TAKES_PASSWORD),
    Row("resetSSHKeyForVirtualMachine", "virtualmachine", keypair="mine", spread=False),
    Row("getVMPassword", "virtualmachine", given=TOLD),
    Row("resetUserDataForVirtualMachine", "virtualmachine", userdata="aGVsbG8="),
    Row("restoreVirtualMachine", "virtualmachine", by="virtualmachineid"),
    Row(
        "assignVirtualMachine",
        "virtualmachine",
        by="virtualmachineid",
        account="@account",
        domainid="@domain",
        spread=False,
    ),
    Row("assignVirtualMachine", "virtualmachine", by="virtualmachineid", account="other", domainid="@domain"),
    Row("cleanVMReservations"),
]
