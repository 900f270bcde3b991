from cloudsim.db import schema
async def prepare(database, place):
    if await database.stamp() is None:
        from sqlalchemy import Table, Column, String
        tables=list(schema.metadata.sorted_tables)
        try:
            await database.read(lambda tx: tx.all(schema.domain.select()))
        except Exception:
            await database.create(tables); return "created"
    return "current"
