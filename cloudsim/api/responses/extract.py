"""What can be fetched from a URL, as clients read it: see `services.extract.answer`."""

from __future__ import annotations

from cloudsim.api.responses.base import Response


def _of(noun: str) -> Response:
    return Response(
        noun,
        date="created",
        integer="jobstatus uploadpercentage",
        string="accountid extractId extractMode id jobid name resultstring state status storagetype url zoneid zonename",
    )


#: The same object under the name of each noun.
EXTRACT_VOLUME, EXTRACT_TEMPLATE, EXTRACT_ISO, EXTRACT_SNAPSHOT = map(_of, ("volume", "template", "iso", "snapshot"))
