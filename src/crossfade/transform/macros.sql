-- The functions of docs/reference/mapping.md that run inside DuckDB. Each is strict: a value that does not fit is an error.
-- NULL stays NULL. The compiler chooses the macro by the kind of its argument (mapping/language/functions.py).
-- A macro inserts the text of its argument at every use; `(list_transform([x], lambda v: ...))[1]` evaluates it once, and keeps
-- nested macros from growing exponentially.

-- A UUID version 8 that holds the 12 bytes of an ObjectId in order; the remaining bits hold a tag.
CREATE MACRO cf_uuid_of_oid_hex(h) AS
    (list_transform([h], lambda v: (substr(v, 1, 8) || '-' || substr(v, 9, 4) || '-8' || substr(v, 13, 3) || '-8' || substr(v, 16, 3) || '-'
     || substr(v, 19, 6) || 'cf01d0')::UUID))[1];
CREATE MACRO cf_uuid_of_oid(x) AS cf_uuid_of_oid_hex(lower(hex(x)));

-- RFC 9562 version 5 of `name` in Crossfade's namespace (crossfade_ids has the same in Python).
CREATE MACRO cf_uuid_of_sha(h) AS
    (list_transform([h], lambda v: (substr(v, 1, 8) || '-' || substr(v, 9, 4) || '-5' || substr(v, 14, 3) || '-'
     || substr('89ab89ab89ab89ab', strpos('0123456789abcdef', substr(v, 17, 1)), 1) || substr(v, 18, 3) || '-'
     || substr(v, 21, 12))::UUID))[1];
CREATE MACRO cf_uuid5(name) AS
    cf_uuid_of_sha(sha1(from_hex('6bc8a9b01d3f5a5e9c0fcf01d0c0ffee') || encode(name)));
CREATE MACRO cf_uuid_of_bytes(x) AS
    (substr(hex(x), 1, 8) || '-' || substr(hex(x), 9, 4) || '-' || substr(hex(x), 13, 4) || '-' || substr(hex(x), 17, 4)
     || '-' || substr(hex(x), 21, 12))::UUID;

-- Normalize the text of a number: sign, digits without leading and trailing zeros, E, exponent. NULL if it is not a number.
CREATE MACRO cf_canon(t) AS
    (list_transform([regexp_extract(t, '^([+-]?)0*([0-9]*)\.?([0-9]*)(?:[eE]([+-]?[0-9]{1,9}))?$', ['s', 'i', 'f', 'e'])], lambda p:
     CASE WHEN NOT regexp_full_match(t, '[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,9})?') THEN NULL
          WHEN rtrim(p.i || p.f, '0') = '' THEN '0'
          ELSE replace(p.s, '+', '') || rtrim(ltrim(p.i || p.f, '0'), '0') || 'E'
               || (CASE p.e WHEN '' THEN 0 ELSE TRY_CAST(p.e AS BIGINT) END + length(p.i) - length(rtrim(p.i || p.f, '0'))) END))[1];
-- The plain digits of a normalized integer; NULL if it has a fraction or more than a hundred digits.
CREATE MACRO cf_whole(c) AS
    (list_transform([split(c, 'E')], lambda p: CASE WHEN p[2] IS NULL THEN p[1]
         WHEN TRY_CAST(p[2] AS BIGINT) BETWEEN 0 AND 99 THEN p[1] || repeat('0', TRY_CAST(p[2] AS BIGINT)) END))[1];

-- The name of a value inside derived ids: its type and its value. Whole numbers that are equal in MongoDB have the same name.
CREATE MACRO cf_name_number(digits) AS 'number:' || digits;
CREATE MACRO cf_name_double(x) AS
    (list_transform([x], lambda v: CASE WHEN isnan(v) THEN 'number:nan' -- whatever its sign bit, as in MongoDB
         WHEN v = trunc(v) AND abs(v) < 1e38 THEN 'number:' || CAST(CAST(v AS HUGEINT) AS VARCHAR)
         ELSE 'number:' || CAST(v AS VARCHAR) END))[1];
CREATE MACRO cf_name_decimal(d) AS
    (list_transform([cf_canon(d)], lambda v: coalesce('number:' || cf_whole(v), 'decimal:' || coalesce(v, d))))[1];
-- By its milliseconds, as BSON has it; where it is finer than that, by its microseconds.
CREATE MACRO cf_name_date(x) AS
    (list_transform([epoch_us(x)], lambda v: CASE WHEN v % 1000 = 0 THEN 'date:' || CAST(v // 1000 AS VARCHAR)
         ELSE 'microseconds:' || CAST(v AS VARCHAR) END))[1];
-- For a value whose kind the compiler does not know, decide by its type in DuckDB.
CREATE MACRO cf_hex_of_any(x) AS lower(hex(CAST(CAST(x AS VARCHAR) AS BLOB)));
CREATE MACRO cf_name_any(x) AS
    (list_transform([x], lambda v: CASE WHEN v IS NULL THEN NULL
         WHEN regexp_full_match(typeof(v), 'U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER') THEN 'number:' || CAST(v AS VARCHAR)
         WHEN typeof(v) IN ('DOUBLE', 'FLOAT') THEN cf_name_double(TRY_CAST(CAST(v AS VARCHAR) AS DOUBLE))
         WHEN typeof(v) LIKE 'DECIMAL%' THEN cf_name_decimal(CAST(v AS VARCHAR))
         WHEN typeof(v) = 'BOOLEAN' THEN 'bool:' || CAST(v AS VARCHAR)
         WHEN typeof(v) = 'UUID' THEN 'binData:4:' || CAST(v AS VARCHAR)
         WHEN typeof(v) = 'BLOB' THEN CASE length(cf_hex_of_any(v)) WHEN 24 THEN 'objectId:' ELSE 'binData:0:' END || cf_hex_of_any(v)
         WHEN typeof(v) LIKE 'TIMESTAMP%' THEN cf_name_date(TRY_CAST(CAST(v AS VARCHAR) AS TIMESTAMPTZ))
         WHEN typeof(v) = 'DATE' THEN 'day:' || CAST(v AS VARCHAR)
         WHEN typeof(v) = 'TIME' THEN 'time:' || CAST(v AS VARCHAR)
         WHEN typeof(v) = 'VARCHAR' THEN 'string:' || CAST(v AS VARCHAR)
         ELSE error('uuid_of: a value of the type ' || typeof(v) || ' cannot be part of an id') END))[1];
CREATE MACRO cf_bytes_of_binary(m) AS from_base64(json_extract_string(m, '$."$binary".base64'));
CREATE MACRO cf_name_mixed(t, m) AS
    CASE WHEN t IS NULL OR t = 'null' THEN NULL
         WHEN t = 'objectId' THEN 'objectId:' || json_extract_string(m, '$."$oid"')
         WHEN t = 'string' THEN 'string:' || json_extract_string(m, '$')
         WHEN t = 'int' THEN 'number:' || json_extract_string(m, '$."$numberInt"')
         WHEN t = 'long' THEN 'number:' || json_extract_string(m, '$."$numberLong"')
         WHEN t = 'double' THEN cf_name_double(json_extract_string(m, '$."$numberDouble"')::DOUBLE)
         WHEN t = 'decimal' THEN cf_name_decimal(json_extract_string(m, '$."$numberDecimal"'))
         WHEN t = 'bool' THEN 'bool:' || m
         WHEN t = 'binData:4' AND octet_length(cf_bytes_of_binary(m)) = 16
         THEN 'binData:4:' || CAST(cf_uuid_of_bytes(cf_bytes_of_binary(m)) AS VARCHAR)
         WHEN t = 'binData:0' THEN 'binData:0:' || lower(hex(cf_bytes_of_binary(m)))
         WHEN t = 'date' THEN 'date:' || json_extract_string(m, '$."$date"."$numberLong"')
         ELSE 'ejson:' || m END;
-- The name by which values of a lookup are compared. A decimal is equal to a double if that is exactly the same number:
-- printf prints all digits of a multiple of 2^-60; every other double has more digits than a decimal, which has at most 34.
CREATE MACRO cf_equal_decimal(d) AS
    (list_transform([TRY_CAST(d AS DOUBLE)], lambda v: CASE WHEN d IS NULL THEN NULL
         WHEN regexp_full_match(lower(d), '-?s?nan') THEN 'number:nan'
         WHEN regexp_full_match(lower(d), '-?inf(inity)?') THEN cf_name_double(v)
         WHEN (abs(v) >= 1 OR v * 1152921504606846976 = trunc(v * 1152921504606846976))
              AND cf_canon(printf('%.60f', v)) = cf_canon(d) THEN cf_name_double(v)
         ELSE cf_name_decimal(d) END))[1];
CREATE MACRO cf_equal_mixed(t, m) AS
    CASE t WHEN 'decimal' THEN cf_equal_decimal(json_extract_string(m, '$."$numberDecimal"'))
           WHEN 'symbol' THEN 'string:' || json_extract_string(m, '$."$symbol"')
           ELSE cf_name_mixed(t, m) END;
CREATE MACRO cf_part(name) AS
    (list_transform([name], lambda v: CASE WHEN v IS NULL THEN '4:null' ELSE length(v) || ':' || v END))[1];
CREATE MACRO cf_uuid_of_mixed(t, m) AS
    CASE WHEN t = 'objectId' THEN cf_uuid_of_oid_hex(json_extract_string(m, '$."$oid"'))
         WHEN t = 'binData:4' AND octet_length(cf_bytes_of_binary(m)) = 16 THEN cf_uuid_of_bytes(cf_bytes_of_binary(m))
         ELSE cf_uuid5(cf_name_mixed(t, m)) END;

-- Legacy UUIDs (subtype 3), by the byte order of the driver that wrote them.
CREATE MACRO cf_swapped(h, positions) AS array_to_string(list_transform(positions, lambda p: substr(h, 2 * p + 1, 2)), '');
CREATE MACRO cf_legacy_hex(o, h) AS
    CASE o WHEN 'java' THEN cf_swapped(h, [7, 6, 5, 4, 3, 2, 1, 0, 15, 14, 13, 12, 11, 10, 9, 8])
           WHEN 'csharp' THEN cf_swapped(h, [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15]) ELSE h END;
CREATE MACRO cf_uuid_of_legacy(o, t, m) AS
    CASE WHEN t IS NULL OR t = 'null' THEN NULL
         WHEN t IN ('binData:3', 'binData:4') AND octet_length(cf_bytes_of_binary(m)) = 16
         THEN cf_uuid_of_bytes(from_hex(cf_legacy_hex(CASE t WHEN 'binData:3' THEN o ELSE 'python' END, hex(cf_bytes_of_binary(m)))))
         ELSE error('uuid_of_legacy: a value of type ' || t || ' is not a UUID: ' || m) END;

-- The bytes of binary data of any subtype.
CREATE MACRO cf_bytes_of_uuid(x) AS from_hex(replace(CAST(x AS VARCHAR), '-', ''));
CREATE MACRO cf_bytes_of_mixed(f, t, m) AS
    CASE WHEN t IS NULL OR t = 'null' THEN NULL
         WHEN t LIKE 'binData:%' THEN cf_bytes_of_binary(m)
         ELSE error(f || ': a value of type ' || t || ' is not binary data') END;
CREATE MACRO cf_uuid_of_any(x) AS
    (list_transform([x], lambda v: CASE WHEN typeof(v) = 'UUID' THEN TRY_CAST(CAST(v AS VARCHAR) AS UUID)
         WHEN typeof(v) = 'BLOB' AND length(cf_hex_of_any(v)) = 24 THEN cf_uuid_of_oid_hex(cf_hex_of_any(v))
         ELSE cf_uuid5(cf_name_any(v)) END))[1];

CREATE MACRO cf_oid_of_text(x) AS
    (list_transform([x], lambda v: CASE WHEN v IS NULL THEN NULL
         WHEN regexp_full_match(v, '[0-9a-fA-F]{24}') THEN from_hex(v)
         ELSE error('oid_of: ' || v || ' is not the 24 hex digits of an ObjectId') END))[1];
CREATE MACRO cf_oid_of_mixed(t, m) AS
    CASE WHEN t IS NULL OR t = 'null' THEN NULL
         WHEN t = 'objectId' THEN from_hex(json_extract_string(m, '$."$oid"'))
         WHEN t = 'string' THEN cf_oid_of_text(json_extract_string(m, '$'))
         ELSE error('oid_of: a value of type ' || t || ' is not an ObjectId') END;
CREATE MACRO cf_oid_in_hex(h) AS
    CASE WHEN substr(h, 13, 1) = '8' AND substr(h, 17, 1) = '8' AND substr(h, 27) = 'cf01d0'
         THEN from_hex(substr(h, 1, 12) || substr(h, 14, 3) || substr(h, 18, 3) || substr(h, 21, 6))
         ELSE error('oid_in: ' || h || ' is not a UUID that uuid_of made of an ObjectId') END;
CREATE MACRO cf_oid_in(x) AS
    (list_transform([x], lambda v: CASE WHEN v IS NULL THEN NULL ELSE cf_oid_in_hex(replace(CAST(v AS VARCHAR), '-', '')) END))[1];
CREATE MACRO cf_oid_in_mixed(t, m) AS
    CASE WHEN t IS NULL OR t = 'null' THEN NULL
         WHEN t = 'binData:4' AND octet_length(cf_bytes_of_binary(m)) = 16 THEN cf_oid_in_hex(lower(hex(cf_bytes_of_binary(m))))
         ELSE error('oid_in: a value of type ' || t || ' is no UUID') END;

-- Casts that never change a value: r is the cast of e. Types that DuckDB does not convert by value (bits, JSON, the bytes of a
-- BLOB) are refused, and so is text that is not in full notation. typeof is a constant once the query is bound.
-- Text is quoted in the message, because it may look like what it would be changed to: blanks and a 7, nan.
CREATE MACRO cf_cast_error(e, r) AS
    error('CAST would change ' || CASE WHEN typeof(e) = 'VARCHAR' THEN chr(39) || CAST(e AS VARCHAR) || chr(39) ELSE CAST(e AS VARCHAR) END
          || ' to ' || CAST(r AS VARCHAR));
CREATE MACRO cf_cast_refused(e, r) AS error('CAST does not convert ' || CAST(e AS VARCHAR) || ' (' || typeof(e) || ') to ' || typeof(r));
CREATE MACRO cf_is_text(e) AS typeof(e) = 'VARCHAR' OR typeof(e) LIKE 'ENUM(%';
CREATE MACRO cf_is_number(e) AS
    regexp_full_match(typeof(e), 'U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|BIGNUM|DOUBLE|FLOAT|DECIMAL.*') OR cf_is_text(e);
CREATE MACRO cf_is_float(e) AS typeof(e) IN ('DOUBLE', 'FLOAT');
CREATE MACRO cf_exact(x) AS
    CASE WHEN cf_is_float(x) AND abs(TRY_CAST(CAST(x AS VARCHAR) AS DOUBLE)) BETWEEN 9007199254740992 AND 1e38
         THEN CAST(TRY_CAST(TRY_CAST(CAST(x AS VARCHAR) AS DOUBLE) AS HUGEINT) AS VARCHAR) ELSE CAST(x AS VARCHAR) END;
CREATE MACRO cf_is_whole(e) AS regexp_full_match(typeof(e), 'U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|BIGNUM');
-- Both are the same number: exactly or, except for integers, by the shortest digits of a double; only a double can be NaN or infinite.
CREATE MACRO cf_cast_digits(e, r) AS
    (list_transform([list_transform([CAST(e AS VARCHAR), CAST(r AS VARCHAR), cf_exact(e), cf_exact(r)], lambda t: cf_canon(t))],
                    lambda c: CASE WHEN (c[1] = c[2] AND NOT (cf_is_whole(e) AND cf_is_float(r))) OR c[3] = c[4] OR (cf_is_float(e) AND CAST(e AS VARCHAR) = CAST(r AS VARCHAR))
                                   THEN r ELSE cf_cast_error(e, r) END))[1];
CREATE MACRO cf_cast_number(e, r) AS
    CASE WHEN e IS NULL OR typeof(e) = 'BOOLEAN' OR typeof(e) = typeof(r) THEN r
         WHEN NOT cf_is_number(e) THEN cf_cast_refused(e, r)
         WHEN CAST(e AS VARCHAR) = CAST(r AS VARCHAR) AND NOT (cf_is_text(e) AND contains(CAST(r AS VARCHAR), 'n')) THEN r
         WHEN typeof(e) = 'FLOAT' AND typeof(r) = 'DOUBLE' THEN r
         ELSE cf_cast_digits(e, r) END;
-- FLOAT: a DOUBLE must be exactly the same number. The message has the digits of a DOUBLE: those of a FLOAT may be the same.
CREATE MACRO cf_cast_single(e, r) AS
    CASE WHEN e IS NULL OR typeof(e) IN ('BOOLEAN', 'FLOAT') THEN r
         WHEN NOT cf_is_number(e) THEN cf_cast_refused(e, r)
         WHEN cf_is_whole(e) THEN CASE WHEN cf_canon(CAST(e AS VARCHAR)) = cf_canon(cf_exact(CAST(r AS DOUBLE))) THEN r ELSE cf_cast_error(e, CAST(r AS DOUBLE)) END
         WHEN typeof(e) = 'DOUBLE' THEN CASE WHEN CAST(CAST(r AS DOUBLE) AS VARCHAR) = CAST(e AS VARCHAR) THEN r ELSE cf_cast_error(e, CAST(r AS DOUBLE)) END
         ELSE cf_cast_digits(e, r) END;
CREATE MACRO cf_cast_whole(e, r) AS CASE WHEN e IS NULL OR CAST(r AS DOUBLE) = e THEN r ELSE cf_cast_error(e, r) END;
CREATE MACRO cf_cast_bool(e, r) AS
    CASE WHEN e IS NULL OR typeof(e) = 'BOOLEAN' THEN r
         WHEN NOT cf_is_number(e) THEN cf_cast_refused(e, r)
         WHEN lower(CAST(e AS VARCHAR)) IN ('true', 'false', 't', 'f', 'yes', 'no', '1', '0') THEN r ELSE cf_cast_error(e, r) END;
-- Of a timestamp, DATE takes the day and TIME the time of day, in UTC, as such a cast intends. Text must contain nothing else.
CREATE MACRO cf_is_timestamp(e) AS typeof(e) LIKE 'TIMESTAMP%';
CREATE MACRO cf_is_micros(e) AS NOT regexp_matches(CAST(e AS VARCHAR), '\.[0-9]{6}0*[1-9]');
CREATE MACRO cf_cast_date(e, r) AS
    CASE WHEN e IS NULL OR typeof(e) = 'DATE' OR cf_is_timestamp(e) THEN r
         WHEN NOT cf_is_text(e) THEN cf_cast_refused(e, r)
         WHEN regexp_full_match(CAST(e AS VARCHAR), '[0-9]{4,7}-[0-9]{2}-[0-9]{2}( \(BC\))?') AND CAST(e AS VARCHAR) = CAST(r AS VARCHAR) THEN r
         ELSE cf_cast_error(e, r) END;
CREATE MACRO cf_cast_time(e, r) AS
    CASE WHEN e IS NULL OR typeof(e) = 'TIME' THEN r
         WHEN cf_is_timestamp(e) OR typeof(e) = 'TIME_NS' THEN CASE WHEN cf_is_micros(e) THEN r ELSE cf_cast_error(e, r) END
         WHEN NOT cf_is_text(e) THEN cf_cast_refused(e, r)
         WHEN regexp_full_match(CAST(e AS VARCHAR), '([01]?[0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6}0*)?)?') THEN r
         ELSE cf_cast_error(e, r) END;
-- The text of a timestamp: ISO 8601. There is no year 0; hour 24 would be the next day.
CREATE MACRO cf_is_moment(t, zone) AS
    NOT starts_with(t, '0000') AND regexp_full_match(t,
        '[0-9]{4,6}-[0-9]{2}-[0-9]{2}([ T]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6}0*)?)?' || zone || ')?');
CREATE MACRO cf_cast_timestamp(e, r) AS
    CASE WHEN e IS NULL OR typeof(e) = 'DATE' THEN r
         WHEN cf_is_timestamp(e) THEN CASE WHEN cf_is_micros(e) THEN r ELSE cf_cast_error(e, r) END
         WHEN NOT cf_is_text(e) THEN cf_cast_refused(e, r)
         WHEN cf_is_moment(CAST(e AS VARCHAR), '(Z|[+-]00(:?00)?)?') THEN r
         ELSE error('CAST AS TIMESTAMP: ' || CAST(e AS VARCHAR) || ' is not a date and time in ISO 8601 without a zone or in UTC') END;
CREATE MACRO cf_cast_moment(e, r) AS
    CASE WHEN e IS NULL OR typeof(e) IN ('DATE', 'TIMESTAMP WITH TIME ZONE') THEN r
         WHEN NOT cf_is_text(e) THEN cf_cast_refused(e, r)
         WHEN cf_is_moment(CAST(e AS VARCHAR), '(Z|[+-](0[0-9]|1[0-5])(:?[0-5][0-9])?)') AND contains(CAST(e AS VARCHAR), ':') THEN r
         ELSE error('CAST AS TIMESTAMPTZ: ' || CAST(e AS VARCHAR) || ' is not a date and time in ISO 8601 with a zone; for a local time use timezone(''Europe/Berlin'', CAST(x AS TIMESTAMP)), for a date alone parse_date(x)') END;
-- Nested values and bytes have a printed form, but it is not the value.
CREATE MACRO cf_cast_text(e, r) AS
    CASE WHEN e IS NULL THEN r
         WHEN regexp_matches(typeof(e), '^(BLOB|VARIANT|STRUCT|MAP|UNION|GEOMETRY)|\]$') THEN error('CAST AS VARCHAR would print a ' || typeof(e))
         ELSE r END;
CREATE MACRO cf_cast_json(e, r) AS
    CASE WHEN e IS NULL THEN r
         WHEN regexp_matches(typeof(e), 'BLOB|VARIANT|GEOMETRY|BIT|FLOAT') THEN error('CAST AS JSON would print a ' || typeof(e))
         WHEN cf_is_float(e) AND CAST(r AS VARCHAR) IN ('NaN', 'Infinity', '-Infinity') THEN cf_cast_error(e, r)
         ELSE r END;
CREATE MACRO cf_cast_uuid(e, r) AS
    CASE WHEN e IS NULL OR typeof(e) = 'UUID' THEN r
         WHEN NOT cf_is_text(e) THEN cf_cast_refused(e, r)
         WHEN regexp_full_match(CAST(e AS VARCHAR), '[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9a-fA-F]{32}') THEN r
         ELSE cf_cast_error(e, r) END;
CREATE MACRO cf_cast_interval(e, r) AS
    CASE WHEN e IS NULL OR typeof(e) = 'INTERVAL' THEN r
         WHEN NOT cf_is_text(e) THEN cf_cast_refused(e, r)
         WHEN regexp_full_match(CAST(e AS VARCHAR),
              '(-?[0-9]+ (year|month|week|day|hour|minute|second|millisecond|microsecond)s?( |$))*(-?[0-9]{1,9}:[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?)?')
              AND CAST(e AS VARCHAR) <> '' THEN r
         ELSE cf_cast_error(e, r) END;

-- The result of arithmetic on doubles, or of a function: only the text of infinity and NaN has an `n`.
CREATE MACRO cf_finite(r) AS
    CASE WHEN regexp_full_match(typeof(r), '(DOUBLE|FLOAT)(\[[0-9]*\])?') AND contains(CAST(r AS VARCHAR), 'n')
         THEN error('the result of arithmetic is ' || CAST(r AS VARCHAR)) ELSE r END;
-- JSON text whose numbers DuckDB's functions keep: they read 64-bit integers, and all other numbers as doubles.
CREATE MACRO cf_json_number_fits(n) AS
    CASE WHEN regexp_full_match(n, '-?[0-9]{1,18}') THEN true
         WHEN regexp_full_match(n, '-?[0-9]+') AND coalesce(TRY_CAST(n AS BIGINT) IS NOT NULL OR TRY_CAST(n AS UBIGINT) IS NOT NULL, false) THEN true
         ELSE coalesce(cf_canon(n) = cf_canon(CAST(TRY_CAST(n AS DOUBLE) AS VARCHAR)), false) END;
CREATE MACRO cf_json_exact(j) AS
    (list_transform([CAST(j AS VARCHAR)], lambda t:
     CASE WHEN t IS NULL OR NOT regexp_matches(t, '[0-9.]{16}|[0-9][eE]')
               OR len(list_filter(regexp_extract_all(regexp_replace(t, '"([^"\\]|\\.)*"', '""', 'g'), '-?[0-9][-+0-9.eE]*'), lambda n: NOT cf_json_number_fits(n))) = 0
          THEN t ELSE error('JSON with a number that DuckDB would round: ' || t) END))[1];

-- SQLite's types by the names under which the macros below know them.
CREATE MACRO cf_shared_type(t) AS
    CASE t WHEN 'integer' THEN 'long' WHEN 'real' THEN 'double' WHEN 'text' THEN 'string' WHEN 'blob' THEN 'binData:0' ELSE t END;

-- The digits of a number of mixed type, exactly as written; an error for any other value.
CREATE MACRO cf_digits(f, t, m) AS
    CASE WHEN t IS NULL OR t = 'null' THEN NULL
         WHEN t = 'int' THEN json_extract_string(m, '$."$numberInt"')
         WHEN t = 'long' THEN json_extract_string(m, '$."$numberLong"')
         WHEN t = 'double' THEN json_extract_string(m, '$."$numberDouble"')
         WHEN t = 'decimal' THEN json_extract_string(m, '$."$numberDecimal"')
         ELSE error(f || ': a value of type ' || t || ' is not a number') END;

CREATE MACRO cf_int_of_digits(f, d) AS
    (list_transform([d], lambda v: CASE WHEN v IS NULL THEN NULL
         WHEN regexp_full_match(v, '-?[0-9]+') THEN coalesce(TRY_CAST(v AS BIGINT), error(f || ': ' || v || ' is not a 64-bit integer'))
         ELSE coalesce(TRY_CAST(cf_whole(cf_canon(v)) AS BIGINT), error(f || ': ' || v || ' is not a 64-bit integer')) END))[1];
CREATE MACRO cf_int_of_double(f, x) AS
    (list_transform([x], lambda v: CASE WHEN v IS NULL THEN NULL
         WHEN isfinite(v) AND v = trunc(v) AND abs(v) <= 9007199254740992 THEN CAST(v AS BIGINT)
         ELSE error(f || ': ' || CAST(v AS VARCHAR) || ' is not an integer that a double holds exactly') END))[1];
CREATE MACRO cf_int_of_mixed(f, t, m) AS
    CASE WHEN t = 'double' THEN cf_int_of_double(f, json_extract_string(m, '$."$numberDouble"')::DOUBLE)
         ELSE cf_int_of_digits(f, cf_digits(f, t, m)) END;

CREATE MACRO cf_double_of_int(f, x) AS
    (list_transform([x], lambda v: CASE WHEN v IS NULL OR abs(CAST(v AS HUGEINT)) <= 9007199254740992 THEN CAST(v AS DOUBLE)
         ELSE error(f || ': ' || CAST(v AS VARCHAR) || ' cannot be represented exactly as a double') END))[1];
CREATE MACRO cf_double_of_mixed(f, t, m) AS
    CASE WHEN t IS NULL OR t = 'null' THEN NULL
         WHEN t = 'double' THEN json_extract_string(m, '$."$numberDouble"')::DOUBLE
         WHEN t IN ('int', 'long') THEN cf_double_of_int(f, CAST(cf_digits(f, t, m) AS BIGINT))
         ELSE error(f || ': a value of type ' || t || ' is not a double') END;

CREATE MACRO cf_digits_of_double(x) AS
    (list_transform([x], lambda v: CASE WHEN isnan(v) THEN 'NaN' WHEN isinf(v) THEN CASE WHEN v > 0 THEN 'Infinity' ELSE '-Infinity' END
         ELSE CAST(v AS VARCHAR) END))[1];
CREATE MACRO cf_text_of_double(x) AS
    (list_transform([x], lambda v: CASE WHEN isfinite(v) AND v = trunc(v) AND abs(v) < 1e15
         THEN CASE WHEN v = 0 AND signbit(v) THEN '-0' ELSE CAST(CAST(v AS BIGINT) AS VARCHAR) END ELSE cf_digits_of_double(v) END))[1];
-- Milliseconds, as in documents; microseconds where a moment has them.
CREATE MACRO cf_iso(f, x) AS
    (list_transform([x], lambda v: CASE WHEN v IS NULL THEN NULL
         WHEN epoch_us(v) BETWEEN -62135596800000000 AND 253402300799999999
         THEN CASE WHEN epoch_us(v) % 1000 = 0 THEN strftime(timezone('UTC', v), '%Y-%m-%dT%H:%M:%S.%g')
                   ELSE strftime(timezone('UTC', v), '%Y-%m-%dT%H:%M:%S.%f') END || 'Z'
         ELSE error(f || ': ' || CAST(v AS VARCHAR) || ' is outside the years 1 to 9999') END))[1];
CREATE MACRO cf_string_of_mixed(f, t, m) AS
    CASE WHEN t IS NULL OR t = 'null' THEN NULL
         WHEN t = 'string' THEN json_extract_string(m, '$')
         ELSE error(f || ': a value of type ' || t || ' is not a string') END;
CREATE MACRO cf_bool_of_mixed(f, t, m) AS
    CASE WHEN t IS NULL OR t = 'null' THEN NULL
         WHEN t = 'bool' THEN m = 'true'
         ELSE error(f || ': a value of type ' || t || ' is not a boolean') END;
CREATE MACRO cf_date_of_ms(f, ms) AS
    (list_transform([ms], lambda v: CASE WHEN v IS NULL THEN NULL
         WHEN v BETWEEN -210866803200000 AND 9223371331199999 THEN make_timestamptz(CAST(v AS BIGINT) * 1000)
         ELSE error(f || ': ' || v || ' milliseconds since 1970 is a date out of range') END))[1];
-- Days since noon in Greenwich on 24 November 4714 BC, to the millisecond, as SQLite's own functions round them.
CREATE MACRO cf_date_of_julian(f, x) AS
    (list_transform([x], lambda v: CASE WHEN v IS NULL THEN NULL
         WHEN isfinite(v) AND v >= 0 AND v < 5373484.5 THEN cf_date_of_ms(f, CAST(round((v - 2440587.5) * 86400000) AS BIGINT))
         ELSE error(f || ': ' || CAST(v AS VARCHAR) || ' is not a Julian day of the years -4713 to 9999') END))[1];
CREATE MACRO cf_text_of_mixed(f, t, m) AS
    CASE WHEN t IS NULL OR t = 'null' THEN NULL
         WHEN t = 'string' THEN json_extract_string(m, '$')
         WHEN t = 'double' THEN cf_text_of_double(json_extract_string(m, '$."$numberDouble"')::DOUBLE)
         WHEN t IN ('int', 'long', 'decimal') THEN cf_digits(f, t, m)
         WHEN t = 'bool' THEN m
         WHEN t = 'objectId' THEN json_extract_string(m, '$."$oid"')
         WHEN t = 'date' THEN cf_iso(f, cf_date_of_ms(f, CAST(json_extract_string(m, '$."$date"."$numberLong"') AS BIGINT)))
         WHEN t = 'binData:4' AND octet_length(cf_bytes_of_binary(m)) = 16 THEN CAST(cf_uuid_of_bytes(cf_bytes_of_binary(m)) AS VARCHAR)
         ELSE error(f || ': a value of type ' || t || ' cannot be converted to text') END;
CREATE MACRO cf_date_of_mixed(f, t, m) AS
    CASE WHEN t IS NULL OR t = 'null' THEN NULL
         WHEN t = 'date' THEN cf_date_of_ms(f, CAST(json_extract_string(m, '$."$date"."$numberLong"') AS BIGINT))
         ELSE error(f || ': a value of type ' || t || ' is not a date' || CASE
              WHEN t IN ('int', 'long', 'double', 'decimal') THEN '; where type_of(x) is ''' || t || ''': epoch_ms_date(x) or epoch_s_date(x)'
              WHEN t = 'string' THEN '; where type_of(x) is ''string'': parse_date(x)' ELSE '' END) END;

-- BSON timestamps, regular expressions and JavaScript: each function returns a part of the value.
CREATE MACRO cf_timestamp_date(f, t, m) AS
    CASE WHEN t IS NULL OR t = 'null' THEN NULL
         WHEN t = 'timestamp' THEN make_timestamptz(CAST(json_extract_string(m, '$."$timestamp".t') AS BIGINT) * 1000000)
         ELSE error(f || ': a value of type ' || t || ' is not a timestamp') END;
CREATE MACRO cf_timestamp_counter(f, t, m) AS
    CASE WHEN t IS NULL OR t = 'null' THEN NULL
         WHEN t = 'timestamp' THEN CAST(json_extract_string(m, '$."$timestamp".i') AS BIGINT)
         ELSE error(f || ': a value of type ' || t || ' is not a timestamp') END;
CREATE MACRO cf_regex_pattern(f, t, m) AS
    CASE WHEN t IS NULL OR t = 'null' THEN NULL
         WHEN t = 'regex' THEN json_extract_string(m, '$."$regularExpression".pattern')
         ELSE error(f || ': a value of type ' || t || ' is not a regular expression') END;
CREATE MACRO cf_regex_options(f, t, m) AS
    CASE WHEN t IS NULL OR t = 'null' THEN NULL
         WHEN t = 'regex' THEN json_extract_string(m, '$."$regularExpression".options')
         ELSE error(f || ': a value of type ' || t || ' is not a regular expression') END;
CREATE MACRO cf_code_text(f, t, m) AS
    CASE WHEN t IS NULL OR t = 'null' THEN NULL
         WHEN t LIKE 'javascript%' THEN json_extract_string(m, '$."$code"')
         ELSE error(f || ': a value of type ' || t || ' is not JavaScript') END;
CREATE MACRO cf_code_scope(f, t, m) AS
    CASE WHEN t IS NULL OR t = 'null' OR t = 'javascript' THEN NULL
         WHEN t LIKE 'javascript%' THEN CAST(json_extract(m, '$."$scope"') AS VARCHAR)
         ELSE error(f || ': a value of type ' || t || ' is not JavaScript') END;

-- Most decimals differ only in trailing zeros, which is quick to test.
CREATE MACRO cf_bare(t) AS rtrim(CASE WHEN contains(t, '.') THEN t ELSE t || '.' END, '0');
CREATE MACRO cf_decimal_of_digits(f, d, r) AS
    CASE WHEN d IS NULL THEN NULL
         WHEN r IS NULL THEN error(f || ': ' || d || ' is not a number, or has too many digits')
         WHEN cf_bare(d) = cf_bare(CAST(r AS VARCHAR))
              OR list_unique(list_transform([d, CAST(r AS VARCHAR)], lambda t: coalesce(cf_canon(t), ''))) = 1 THEN r
         ELSE error(f || ': ' || d || ' does not fit without rounding; to round it: round(' || f || '(x, 38, 20), 2)') END;

-- Text that contains exactly one such value.
CREATE MACRO cf_parse_int(f, s) AS
    (list_transform([s], lambda v: CASE WHEN v IS NULL THEN NULL
         WHEN regexp_full_match(v, '[+-]?[0-9]+') THEN coalesce(TRY_CAST(v AS BIGINT), error(f || ': ' || v || ' is not a 64-bit integer'))
         ELSE error(f || ': ' || v || ' is not an integer') END))[1];
CREATE MACRO cf_parse_double(f, s) AS
    (list_transform([s], lambda v: CASE WHEN v IS NULL THEN NULL
         WHEN regexp_full_match(v, '[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?') THEN cf_cast_number(v, CAST(v AS DOUBLE))
         ELSE error(f || ': ' || v || ' is not a number') END))[1];
CREATE MACRO cf_parse_bool(f, s) AS
    (list_transform([s], lambda v: CASE WHEN v IS NULL THEN NULL
         WHEN lower(v) = 'true' THEN true WHEN lower(v) = 'false' THEN false
         ELSE error(f || ': ' || v || ' is neither true nor false') END))[1];
CREATE MACRO cf_parse_date(f, s) AS
    (list_transform([s], lambda v: CASE WHEN v IS NULL THEN NULL
         WHEN v LIKE '0000-%' THEN error(f || ': ' || v || ' is in the year 0, which does not exist')
         WHEN regexp_full_match(v, '[0-9]{4}-[0-9]{2}-[0-9]{2}') THEN coalesce(TRY_CAST(v || ' 00:00:00+00' AS TIMESTAMPTZ), error(f || ': ' || v || ' is not a valid date'))
         WHEN regexp_full_match(v, '[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-](0[0-9]|1[0-5])(:?[0-5][0-9])?)')
         THEN coalesce(TRY_CAST(v AS TIMESTAMPTZ), error(f || ': ' || v || ' is not a valid date'))
         ELSE error(f || ': ' || v || ' is not an ISO 8601 date with a zone; for a local time use timezone(''Europe/Berlin'', CAST(x AS TIMESTAMP))') END))[1];
CREATE MACRO cf_decimal_text(f, s) AS s;

-- The NUL character, in text and as its escape in JSON. It is escaped as a backslash and a 0, and a backslash as two.
CREATE MACRO cf_nul_as_text(x, r) AS replace(x, chr(0), r);
CREATE MACRO cf_without_nul_text(x) AS cf_nul_as_text(x, '');
CREATE MACRO cf_escape_nul_text(x) AS cf_nul_as_text(replace(x, '\', '\\'), '\0');
-- JSON text holds no control characters, so one of them can temporarily replace an escaped backslash: `\\u0000` is not NUL.
CREATE MACRO cf_json_parts(x, b, r) AS replace(replace(replace(x, '\\', chr(1)), '\u0000', r), chr(1), b);
CREATE MACRO cf_nul_as_json(x, r) AS
    cf_json_parts(x, '\\', replace(replace(CAST(to_json(r) AS VARCHAR)[2:-2], '\\', chr(1)), '\u0000', ''));
CREATE MACRO cf_without_nul_json(x) AS cf_json_parts(x, '\\', '');
CREATE MACRO cf_escape_nul_json(x) AS cf_json_parts(x, '\\\\', '\\0');
