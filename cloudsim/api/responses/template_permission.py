"""Who may use templates and ISOs, as clients read it."""

from __future__ import annotations

from cloudsim.api.responses.base import Response

TEMPLATE_PERMISSION = Response(
    "templatepermission", list="account projectids", string="domainid id jobid", boolean="ispublic", integer="jobstatus"
)
