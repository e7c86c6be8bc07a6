-- What each database role may do. Run after every `python -m vault migrate`, as the owner of the tables:
--     sudo -u vault-owner psql --dbname=vault --set=ON_ERROR_STOP=1 --file=deploy/grants.sql
-- Running it again changes nothing. The roles are made once, as the runbook says.

REVOKE ALL ON SCHEMA public FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC, "vault", "vault-notary";
GRANT USAGE ON SCHEMA public TO "vault", "vault-notary";

-- The service reads and writes the records.
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO "vault";

-- The ledger only grows: the service adds to it and reads it, and can take nothing back.
REVOKE UPDATE, DELETE ON ledger_entries, ledger_subjects, ledger_heads, ledger_volumes FROM "vault";

-- Sealed details may be forgotten once they are old enough; a trigger refuses to let younger ones go.
REVOKE UPDATE ON ledger_details FROM "vault";

-- Entries wait here until they are woven; they leave, and never change.
REVOKE UPDATE ON ledger_pending FROM "vault";

-- Which migration the tables stand at is the owner's to say.
DO $$
BEGIN
    IF to_regclass('public.alembic_version') IS NOT NULL THEN
        REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM "vault";
    END IF;
END
$$;

-- The notary reads leaves and heads, and nothing else.
GRANT SELECT ON ledger_entries, ledger_heads, ledger_volumes TO "vault-notary";
