"""The role of the processes: it may read and write rows, and owns nothing that holds them.

Migrations know no roles, as each installation names its own; so what it may is said after each of them, whole.
"""

from dataclasses import dataclass
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import sql

# What its owner makes later, as partitions are, is granted by the default privileges.
_GRANTS = """
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO {role};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role};
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role};
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO {role};
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {role};
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO {role};
REVOKE INSERT, UPDATE, DELETE ON django_migrations FROM {role};
"""
_ATTRIBUTES = """
SELECT rolsuper, rolbypassrls,
       EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
               WHERE n.nspname = 'public' AND pg_has_role(r.oid, c.relowner, 'USAGE'))
FROM pg_roles r WHERE rolname = %s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    is_superuser: bool
    passes_policies: bool
    owns_tables: bool

    @property
    def wrong(self) -> list[str]:
        """In words, for a sentence; empty when the role holds nothing that it should not."""
        said = {
            "is a superuser": self.is_superuser,
            "has BYPASSRLS": self.passes_policies,
            "owns tables": self.owns_tables,
        }
        return [words for words, is_so in said.items() if is_so]


def grant(cursor: Any, role: str) -> None:
    """Called by the owner, once the tables are there."""
    cursor.execute(sql.SQL(_GRANTS).format(role=sql.Identifier(role)))


def standing(connection: BaseDatabaseWrapper, role: str) -> Standing | None:
    """None when there is no such role."""
    with connection.cursor() as cursor:
        cursor.execute(_ATTRIBUTES, [role])
        found = cursor.fetchone()
    return found and Standing(is_superuser=found[0], passes_policies=found[1], owns_tables=found[2])
