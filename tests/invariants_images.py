"""What must hold of templates, ISOs and image stores at rest."""

from __future__ import annotations

from pathlib import Path

from cloudsim.server import Server


async def check_images(server: Server) -> None:
    """Raises AssertionError for whatever does not hold."""
    from invariants import none, rows

    # what is on its way has a row that brings it, and nothing else has
    await none(
        server,
        "SELECT z.id FROM template_zone z LEFT JOIN download d ON d.kind = 'template' AND d.row_id = z.id"
        " WHERE (z.state = 'DOWNLOAD_IN_PROGRESS') <> (d.id IS NOT NULL)",
    )
    await none(
        server,
        "SELECT d.id FROM download d LEFT JOIN template_zone z ON d.row_id = z.id"
        " WHERE d.kind = 'template' AND z.id IS NULL",
    )
    # what is gone is in no zone, and given to nobody
    for table in ("template_zone", "launch_permission"):
        await none(
            server, f"SELECT x.id FROM {table} x JOIN template t ON x.template_id = t.id WHERE t.removed IS NOT NULL"
        )
    await none(
        server, "SELECT p.id FROM launch_permission p JOIN account a ON p.account_id = a.id WHERE a.removed IS NOT NULL"
    )
    # what is ready is paid for, once, and nothing else is
    paid = "SELECT row_id, count(*) FROM usage WHERE kind = 'template_zone' AND ended IS NULL GROUP BY row_id"
    open_ = dict(await rows(server, paid))
    assert set(open_.values()) <= {1}, open_
    ready = {row[0] for row in await rows(server, "SELECT id FROM template_zone WHERE state = 'DOWNLOADED'")}
    assert set(open_) <= ready, (open_, ready)
    # in drives there are ISOs that are there
    await none(
        server,
        "SELECT v.uuid FROM vm v JOIN template t ON v.iso_id = t.id"
        " WHERE v.removed IS NULL AND (t.removed IS NOT NULL OR t.format <> 'ISO')",
    )
    # uploaded volumes have a file, on its way where they are, and paid for where it is there; others have none
    await none(
        server,
        "SELECT v.uuid, v.state, f.state FROM volume v LEFT JOIN volume_store f ON f.volume_id = v.id"
        " WHERE v.removed IS NULL AND v.state <> 'Destroy' AND (f.id IS NOT NULL) <>"
        " (v.state IN ('UploadOp', 'NotUploaded', 'UploadInProgress', 'Uploaded', 'UploadError', 'UploadAbandoned'))",
    )
    await none(
        server,
        "SELECT v.uuid FROM volume v JOIN volume_store f ON f.volume_id = v.id LEFT JOIN download d"
        " ON d.kind = 'volume' AND d.row_id = f.id WHERE (v.state = 'UploadOp') <> (d.id IS NOT NULL)",
    )
    await none(
        server, "SELECT f.id FROM volume_store f JOIN volume v ON f.volume_id = v.id WHERE v.removed IS NOT NULL"
    )
    paid = "SELECT row_id FROM usage WHERE kind = 'volume_store' AND ended IS NULL"
    ready = "SELECT f.id FROM volume_store f JOIN volume v ON f.volume_id = v.id WHERE v.state = 'Uploaded'"
    assert sorted(await rows(server, paid)) == sorted(await rows(server, ready))
    await _files(server)


async def _files(server: Server) -> None:
    """Each file of a real image store is that of a place, whole where it is ready."""
    from invariants import rows

    for store_id, directory in await rows(server, "SELECT id, directory FROM image_store WHERE directory IS NOT NULL"):
        known: set[str] = set()
        sql = (
            "SELECT z.path, z.state, t.physical_size FROM template_zone z JOIN template t ON z.template_id = t.id"
            f" WHERE z.store_id = {store_id} AND z.path IS NOT NULL"
        )
        for path, state, size in await rows(server, sql):
            file = Path(directory) / path
            known |= {file.name, f".{file.name}.part", f".{file.name}.expanded.part"}
            if state == "DOWNLOADED":
                assert file.stat().st_size == size, file
        sql = f"SELECT path, state, physical_size FROM volume_store WHERE store_id = {store_id} AND path IS NOT NULL"
        for path, state, size in await rows(server, sql):
            file = Path(directory) / path
            known |= {file.name, f".{file.name}.part", f".{file.name}.expanded.part"}
            if state == "DOWNLOADED":
                assert file.stat().st_size == size, file
        found = {
            file.name
            for folder in ("template", "volumes")
            for file in (Path(directory) / folder).rglob("*")
            if file.is_file()
        }
        assert found <= known, found - known
