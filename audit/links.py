"""Migration operations for rows that point at rows of their own workspace, and at no others."""

from django.db.migrations.operations import RunSQL


def pointed_at(table: str, *, within: str = "workspace_id") -> RunSQL:
    """What `same` refers to: the id together with whose it is."""
    return RunSQL(
        f"ALTER TABLE {table} ADD CONSTRAINT {table}_of_its_own UNIQUE ({within}, id)",
        f"ALTER TABLE {table} DROP CONSTRAINT {table}_of_its_own",
    )


def same(table: str, column: str, other: str, *, within: str = "workspace_id") -> RunSQL:
    """A link by `column` to the other table stays within one workspace (or whatever `within` says), whoever writes it.

    The foreign key by the id alone stays beside it: this one says nothing of a row whose `within` is NULL.
    """
    name = f"{table}_{column}_same_{within}"
    return RunSQL(
        f"ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY ({within}, {column}) REFERENCES {other} ({within}, id)"
        " DEFERRABLE INITIALLY IMMEDIATE",
        f"ALTER TABLE {table} DROP CONSTRAINT {name}",
    )
