"""Where everything is kept: one port (`Database`), SQLite and PostgreSQL behind it, the schema, and queries by noun.

A transaction is a *plain function* that is given a `Transaction` and cannot wait for anything but the database: there is
no ``await`` inside it, so no transaction can ever be held open for an agent, a file or a client.
"""
