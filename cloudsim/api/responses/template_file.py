"""URLs of the files of templates and ISOs, as clients read them."""

from __future__ import annotations

from cloudsim.api.responses.base import Response

EXTRACTED = Response(
    "extracted",
    string="accountid extractId extractMode id jobid name resultstring state status storagetype url zoneid zonename",
    date="created",
    integer="jobstatus uploadpercentage",
)
UPLOAD_PARAMS = Response(
    "getuploadparams", string="expires jobid metadata signature", integer="jobstatus", url="postURL", uuid="id"
)
