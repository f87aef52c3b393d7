DECLARE
    step integer := 64;  -- records in one statement; one at a time up to `singly`
    at integer := 0;
    upto integer;
    singly integer := 0;
    part integer;
    said_code text; said_message text; said_detail text; said_context text;
    said_schema text; said_table text; said_column text; said_constraint text;
BEGIN
    WHILE at < {total} LOOP
        upto := least(at + CASE WHEN at < singly THEN 1 ELSE step END, {total});
        BEGIN
            {inserts}
            IF at >= singly THEN
                step := least(step * 2, 1024);
            END IF;
            at := upto;
        EXCEPTION WHEN OTHERS OR assert_failure OR query_canceled THEN
            GET STACKED DIAGNOSTICS said_context = PG_EXCEPTION_CONTEXT;
            IF (SQLSTATE LIKE ANY ({never_a_row}) AND said_context !~ {raised}) OR part = {noting} THEN
                RAISE;
            END IF;
            IF upto - at > 1 THEN
                singly := upto;
                step := greatest(step / 4, 4);
            ELSE
                GET STACKED DIAGNOSTICS said_code = RETURNED_SQLSTATE, said_message = MESSAGE_TEXT,
                    said_detail = PG_EXCEPTION_DETAIL, said_schema = SCHEMA_NAME, said_table = TABLE_NAME,
                    said_column = COLUMN_NAME, said_constraint = CONSTRAINT_NAME;
                IF said_table = '' AND said_column = '' THEN
                    {columns}
                END IF;
                INSERT INTO pg_temp.crossfade_refused VALUES (at, part, ARRAY[said_code, said_message, said_detail,
                    said_schema, said_table, said_column, said_constraint, said_context]);
                at := upto;
            END IF;
        END;
    END LOOP;
END
