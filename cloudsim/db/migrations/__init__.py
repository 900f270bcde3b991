"""Migrations: what brings the database of an older version to this one's schema.

A fresh database never sees them: it is made from ``db/schema``. Alembic is imported when there is something to upgrade,
and by nothing else. All that is missing is done in one transaction, version and all: a server that dies meanwhile finds
the database as it was.

After a change of ``db/schema``::

    python -m cloudsim.db.migrations "what changes"

writes the next file in ``versions/`` from the difference; read it, add what has to happen to the rows, and set
``VERSION`` in ``db/schema/__init__.py``. A released file is never changed.
"""
