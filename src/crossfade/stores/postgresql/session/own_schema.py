"""The schema `crossfade`, which journals, fences and feeds share: the last one drops it."""

from __future__ import annotations

DROP_IF_EMPTY = """
DO $$ BEGIN
    IF EXISTS (SELECT FROM pg_catalog.pg_namespace n WHERE n.nspname = 'crossfade'
               AND pg_catalog.pg_has_role(n.nspowner, 'USAGE')
               AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                               WHERE d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass
                                 AND d.refobjid = n.oid)) THEN
        DROP SCHEMA crossfade;
    END IF;
END $$
"""
"""DROP SCHEMA alone would first lock the objects in it, and wait for all sessions that read them."""
