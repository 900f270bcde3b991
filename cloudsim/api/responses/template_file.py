"""What a client needs to send a file to the server."""

from __future__ import annotations

from cloudsim.api.responses.base import Response

UPLOAD_PARAMS = Response(
    "getuploadparams", string="expires jobid metadata signature", integer="jobstatus", url="postURL", uuid="id"
)
