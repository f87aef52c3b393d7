-- The functions of docs/reference/mapping.md that run inside DuckDB. Every one is strict: what does not fit is an error.
-- NULL stays NULL. The compiler picks the macro by the kind of its argument (mapping/functions.py).

-- A UUID version 8 that holds the 12 bytes of an ObjectId in order; the bits left over hold a tag.
CREATE MACRO cf_uuid_of_oid_hex(h) AS
    (substr(h, 1, 8) || '-' || substr(h, 9, 4) || '-8' || substr(h, 13, 3) || '-8' || substr(h, 16, 3) || '-'
     || substr(h, 19, 6) || 'cf01d0')::UUID;
CREATE MACRO cf_uuid_of_oid(x) AS cf_uuid_of_oid_hex(lower(hex(x)));

-- RFC 9562 version 5 of `name` in Crossfade's namespace (mapping/ids.py has the same in Python).
CREATE MACRO cf_uuid_of_sha(h) AS
    (substr(h, 1, 8) || '-' || substr(h, 9, 4) || '-5' || substr(h, 14, 3) || '-'
     || substr('89ab89ab89ab89ab', strpos('0123456789abcdef', substr(h, 17, 1)), 1) || substr(h, 18, 3) || '-'
     || substr(h, 21, 12))::UUID;
CREATE MACRO cf_uuid5(name) AS
    cf_uuid_of_sha(sha1(from_hex('6bc8a9b01d3f5a5e9c0fcf01d0c0ffee') || encode(name)));
CREATE MACRO cf_uuid_of_bytes(x) AS
    (substr(hex(x), 1, 8) || '-' || substr(hex(x), 9, 4) || '-' || substr(hex(x), 13, 4) || '-' || substr(hex(x), 17, 4)
     || '-' || substr(hex(x), 21, 12))::UUID;

-- The name of a value inside derived ids: its type and its value; numbers that MongoDB calls equal have one name.
CREATE MACRO cf_name_number(digits) AS 'number:' || digits;
CREATE MACRO cf_name_double(x) AS
    CASE WHEN x = trunc(x) AND abs(x) < 1e15 THEN 'number:' || CAST(CAST(x AS BIGINT) AS VARCHAR)
         ELSE 'number:' || CAST(x AS VARCHAR) END;
CREATE MACRO cf_name_mixed(t, m) AS
    CASE WHEN t IS NULL OR t = 'null' THEN NULL
         WHEN t = 'objectId' THEN 'objectId:' || json_extract_string(m, '$."$oid"')
         WHEN t = 'string' THEN 'string:' || json_extract_string(m, '$')
         WHEN t = 'int' THEN 'number:' || json_extract_string(m, '$."$numberInt"')
         WHEN t = 'long' THEN 'number:' || json_extract_string(m, '$."$numberLong"')
         WHEN t = 'double' THEN cf_name_double(json_extract_string(m, '$."$numberDouble"')::DOUBLE)
         WHEN t = 'bool' THEN 'bool:' || m
         WHEN t = 'date' THEN 'date:' || json_extract_string(m, '$."$date"."$numberLong"')
         ELSE 'ejson:' || m END;
CREATE MACRO cf_part(name) AS CASE WHEN name IS NULL THEN '4:null' ELSE length(name) || ':' || name END;
CREATE MACRO cf_uuid_of_mixed(t, m) AS
    CASE WHEN t = 'objectId' THEN cf_uuid_of_oid_hex(json_extract_string(m, '$."$oid"'))
         ELSE cf_uuid5(cf_name_mixed(t, m)) END;

CREATE MACRO cf_oid_of_text(x) AS
    CASE WHEN x IS NULL THEN NULL
         WHEN regexp_full_match(x, '[0-9a-fA-F]{24}') THEN from_hex(x)
         ELSE error('oid_of: ' || x || ' is not the 24 hex digits of an ObjectId') END;
CREATE MACRO cf_oid_of_mixed(t, m) AS
    CASE WHEN t IS NULL OR t = 'null' THEN NULL
         WHEN t = 'objectId' THEN from_hex(json_extract_string(m, '$."$oid"'))
         WHEN t = 'string' THEN cf_oid_of_text(json_extract_string(m, '$'))
         ELSE error('oid_of: a value of type ' || t || ' is no ObjectId') END;

-- Casts that never round: r is the cast of e.
CREATE MACRO cf_cast_int(e, r) AS
    CASE WHEN r IS NULL THEN NULL
         WHEN TRY_CAST(CAST(e AS VARCHAR) AS DOUBLE) = r
              AND coalesce(TRY_CAST(CAST(e AS VARCHAR) AS DECIMAL(38, 9)) = r, abs(r) >= 9007199254740992) THEN r
         ELSE error('CAST would change ' || CAST(e AS VARCHAR) || ' to ' || CAST(r AS VARCHAR)) END;
CREATE MACRO cf_cast_decimal(e, r) AS
    CASE WHEN r IS NULL THEN NULL
         WHEN TRY_CAST(CAST(e AS VARCHAR) AS DECIMAL(38, 18)) = r THEN r
         ELSE error('CAST would change ' || CAST(e AS VARCHAR) || ' to ' || CAST(r AS VARCHAR)) END;
CREATE MACRO cf_cast_double(e, r) AS
    CASE WHEN r IS NULL OR TRY_CAST(CAST(e AS VARCHAR) AS DECIMAL(38, 9)) IS NULL
              OR abs(r) < 9007199254740992 OR CAST(CAST(r AS DECIMAL(38, 9)) AS VARCHAR) = CAST(CAST(CAST(e AS VARCHAR) AS DECIMAL(38, 9)) AS VARCHAR)
         THEN r
         ELSE error('CAST would change ' || CAST(e AS VARCHAR) || ' to ' || CAST(r AS VARCHAR)) END;
CREATE MACRO cf_cast_float(e, r) AS
    CASE WHEN r IS NULL OR isnan(r) OR CAST(e AS DOUBLE) = CAST(r AS DOUBLE) THEN r
         ELSE error('CAST would change ' || CAST(e AS VARCHAR) || ' to ' || CAST(r AS VARCHAR)) END;

-- Digits of a mixed number, exactly as it is written; an error for anything else.
CREATE MACRO cf_digits(f, t, m) AS
    CASE WHEN t IS NULL OR t = 'null' THEN NULL
         WHEN t = 'int' THEN json_extract_string(m, '$."$numberInt"')
         WHEN t = 'long' THEN json_extract_string(m, '$."$numberLong"')
         WHEN t = 'double' THEN json_extract_string(m, '$."$numberDouble"')
         WHEN t = 'decimal' THEN json_extract_string(m, '$."$numberDecimal"')
         ELSE error(f || ': a value of type ' || t || ' is no number') END;

CREATE MACRO cf_int_of_digits(f, d) AS
    CASE WHEN d IS NULL THEN NULL
         WHEN regexp_full_match(d, '-?[0-9]+') THEN CAST(d AS BIGINT)
         WHEN TRY_CAST(d AS DECIMAL(38, 18)) = TRY_CAST(TRY_CAST(d AS DECIMAL(38, 18)) AS BIGINT)
              AND length(d) <= 30 AND NOT regexp_matches(d, '[eE]-') THEN CAST(CAST(d AS DECIMAL(38, 18)) AS BIGINT)
         ELSE error(f || ': ' || d || ' is no whole number of 64 bits') END;
CREATE MACRO cf_int_of_double(f, x) AS
    CASE WHEN x IS NULL THEN NULL
         WHEN isfinite(x) AND x = trunc(x) AND abs(x) <= 9007199254740992 THEN CAST(x AS BIGINT)
         ELSE error(f || ': ' || CAST(x AS VARCHAR) || ' is no whole number that a double holds exactly') END;
CREATE MACRO cf_int_of_mixed(f, t, m) AS
    CASE WHEN t = 'double' THEN cf_int_of_double(f, json_extract_string(m, '$."$numberDouble"')::DOUBLE)
         ELSE cf_int_of_digits(f, cf_digits(f, t, m)) END;

CREATE MACRO cf_double_of_int(f, x) AS
    CASE WHEN x IS NULL OR abs(CAST(x AS HUGEINT)) <= 9007199254740992 THEN CAST(x AS DOUBLE)
         ELSE error(f || ': ' || CAST(x AS VARCHAR) || ' is more than a double holds exactly') END;
CREATE MACRO cf_double_of_mixed(f, t, m) AS
    CASE WHEN t IS NULL OR t = 'null' THEN NULL
         WHEN t = 'double' THEN json_extract_string(m, '$."$numberDouble"')::DOUBLE
         WHEN t IN ('int', 'long') THEN cf_double_of_int(f, CAST(cf_digits(f, t, m) AS BIGINT))
         ELSE error(f || ': a value of type ' || t || ' is no double') END;

CREATE MACRO cf_text_of_double(x) AS
    CASE WHEN isfinite(x) AND x = trunc(x) AND abs(x) < 1e15 THEN CAST(CAST(x AS BIGINT) AS VARCHAR) ELSE CAST(x AS VARCHAR) END;
CREATE MACRO cf_iso(x) AS strftime(timezone('UTC', x), '%Y-%m-%dT%H:%M:%S.%g') || 'Z';
CREATE MACRO cf_text_of_mixed(f, t, m) AS
    CASE WHEN t IS NULL OR t = 'null' THEN NULL
         WHEN t = 'string' THEN json_extract_string(m, '$')
         WHEN t = 'double' THEN cf_text_of_double(json_extract_string(m, '$."$numberDouble"')::DOUBLE)
         WHEN t IN ('int', 'long', 'decimal') THEN cf_digits(f, t, m)
         WHEN t = 'bool' THEN m
         WHEN t = 'objectId' THEN json_extract_string(m, '$."$oid"')
         WHEN t = 'date' THEN cf_iso(to_timestamp(0) + to_milliseconds(CAST(json_extract_string(m, '$."$date"."$numberLong"') AS BIGINT)))
         ELSE error(f || ': a value of type ' || t || ' has no plain text') END;
CREATE MACRO cf_string_of_mixed(f, t, m) AS
    CASE WHEN t IS NULL OR t = 'null' THEN NULL
         WHEN t = 'string' THEN json_extract_string(m, '$')
         ELSE error(f || ': a value of type ' || t || ' is no string') END;
CREATE MACRO cf_bool_of_mixed(f, t, m) AS
    CASE WHEN t IS NULL OR t = 'null' THEN NULL
         WHEN t = 'bool' THEN m = 'true'
         ELSE error(f || ': a value of type ' || t || ' is no boolean') END;
CREATE MACRO cf_date_of_ms(f, ms) AS
    CASE WHEN ms IS NULL THEN NULL
         WHEN ms BETWEEN -210866803200000 AND 9223371331199999 THEN to_timestamp(0) + to_milliseconds(ms)
         ELSE error(f || ': ' || ms || ' milliseconds since 1970 is a date out of range') END;
CREATE MACRO cf_date_of_mixed(f, t, m) AS
    CASE WHEN t IS NULL OR t = 'null' THEN NULL
         WHEN t = 'date' THEN cf_date_of_ms(f, CAST(json_extract_string(m, '$."$date"."$numberLong"') AS BIGINT))
         ELSE error(f || ': a value of type ' || t || ' is no date') END;

CREATE MACRO cf_decimal_of_digits(f, d, r) AS
    CASE WHEN d IS NULL THEN NULL
         WHEN r IS NULL THEN error(f || ': ' || d || ' is no number that fits')
         WHEN TRY_CAST(d AS DECIMAL(38, 18)) = r AND length(d) <= 36 AND NOT regexp_matches(d, '[eE]-') THEN r
         ELSE error(f || ': ' || d || ' does not fit without rounding') END;

-- Text that holds exactly such a value.
CREATE MACRO cf_parse_int(f, s) AS
    CASE WHEN s IS NULL THEN NULL
         WHEN regexp_full_match(s, '[+-]?[0-9]+') THEN CAST(s AS BIGINT)
         ELSE error(f || ': ' || s || ' is no whole number') END;
CREATE MACRO cf_parse_double(f, s) AS
    CASE WHEN s IS NULL THEN NULL
         WHEN regexp_full_match(s, '[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?') THEN CAST(s AS DOUBLE)
         ELSE error(f || ': ' || s || ' is no number') END;
CREATE MACRO cf_parse_bool(f, s) AS
    CASE WHEN s IS NULL THEN NULL
         WHEN lower(s) = 'true' THEN true WHEN lower(s) = 'false' THEN false
         ELSE error(f || ': ' || s || ' is neither true nor false') END;
CREATE MACRO cf_parse_date(f, s) AS
    CASE WHEN s IS NULL THEN NULL
         WHEN regexp_full_match(s, '[0-9]{4}-[0-9]{2}-[0-9]{2}') THEN CAST(s || ' 00:00:00+00' AS TIMESTAMPTZ)
         WHEN regexp_full_match(s, '[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)')
         THEN CAST(s AS TIMESTAMPTZ)
         ELSE error(f || ': ' || s || ' is no ISO 8601 date with a zone') END;
CREATE MACRO cf_decimal_text(f, s) AS s;
