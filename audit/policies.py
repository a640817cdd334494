"""Migration operations for tables whose rows belong to a workspace: the second wall (`audit.walls`)."""

from django.db.migrations.operations import RunSQL

# Each is asked once for a statement, not for each row.
_EVERYTHING = "(SELECT current_setting('message_center.scope', true) = 'all')"
_SCOPE = (
    "(SELECT string_to_array(nullif(nullif(current_setting('message_center.scope', true), 'all'), ''), ',')::bigint[])"
)
_SOMETHING = "(SELECT current_setting('message_center.scope', true) <> '')"


def of_workspace(*tables: str, is_shared: bool = False) -> RunSQL:
    """Only rows whose workspace is in scope can be seen, written and changed, by the tables' owner too.

    With `is_shared` those of no workspace bind everybody, and can be seen in any scope; without, by the system only.
    """
    return RunSQL(
        "".join(_policy(table, is_shared=is_shared) for table in tables), "".join(_without(table) for table in tables)
    )


def _policy(table: str, *, is_shared: bool) -> str:
    ours = f"({_EVERYTHING} OR workspace_id = ANY ({_SCOPE}::bigint[]))"
    shared = f"CREATE POLICY everybodys ON {table} FOR SELECT USING (workspace_id IS NULL AND {_SOMETHING});"
    return f"""
        CREATE POLICY of_workspace ON {table} USING {ours} WITH CHECK {ours};
        {shared if is_shared else ""}
        ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
    """


def of_parent(table: str, **parents: str) -> RunSQL:
    """For a table that hangs on others behind the wall, by column, and names no workspace: a row is there when one that
    it hangs on is. Costs a look at the parent's index for each row, and nothing in the scope of all."""
    found = [f"EXISTS (SELECT FROM {parent} above WHERE above.id = {table}.{by})" for by, parent in parents.items()]
    ours = f"({_EVERYTHING} OR {' OR '.join(found)})"
    return RunSQL(
        f"""
        CREATE POLICY of_parent ON {table} USING {ours} WITH CHECK {ours};
        ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
        """,
        f"""
        ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY;
        DROP POLICY of_parent ON {table};
        """,
    )


def _without(table: str) -> str:
    return f"""
        ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY;
        DROP POLICY of_workspace ON {table};
        DROP POLICY IF EXISTS everybodys ON {table};
    """
