-- The functions of an inverse (docs/howto/back.md). Unlike those of mappings they are not strict: what cannot come back is NULL, and
-- the put compares what the new record makes (transform/put.py).
-- A value whose type in the record differs from its type in SQL is a struct with one field whose name begins with `$`.
CREATE MACRO cf_inv_of_json(x) AS CASE WHEN x IS NULL THEN NULL ELSE struct_pack("$json" := CAST(x AS VARCHAR)) END;
CREATE MACRO cf_inv_of_ejson(x) AS CASE WHEN x IS NULL THEN NULL ELSE struct_pack("$ejson" := CAST(x AS VARCHAR)) END;
CREATE MACRO cf_inv_of_rest(x) AS CASE WHEN x IS NULL THEN NULL ELSE struct_pack("$json" := CAST(x AS VARCHAR)) END;
CREATE MACRO cf_inv_of_number(x) AS CASE WHEN x IS NULL THEN NULL ELSE struct_pack("$number" := CAST(x AS VARCHAR)) END;
-- Zeros at the end of a numeric(p, s) come from the column's scale, not from the value.
CREATE MACRO cf_inv_of_decimal(x) AS
    cf_inv_of_number(CASE WHEN contains(CAST(x AS VARCHAR), '.') THEN rtrim(rtrim(CAST(x AS VARCHAR), '0'), '.') ELSE CAST(x AS VARCHAR) END);
CREATE MACRO cf_inv_of_map(x) AS CASE WHEN x IS NULL THEN NULL ELSE struct_pack("$map" := x) END;

-- The id of a document from its 24 hex digits, or from the UUID that uuid_of made of it.
CREATE MACRO cf_inv_oid_of(x) AS
    (list_transform([CAST(x AS VARCHAR)], lambda v: CASE WHEN regexp_full_match(v, '[0-9a-fA-F]{24}') THEN from_hex(v) END))[1];
CREATE MACRO cf_inv_oid_in(x) AS
    (list_transform([replace(CAST(x AS VARCHAR), '-', '')], lambda h:
     CASE WHEN substr(h, 13, 1) = '8' AND substr(h, 17, 1) = '8' AND substr(h, 27) = 'cf01d0'
          THEN from_hex(substr(h, 1, 12) || substr(h, 14, 3) || substr(h, 18, 3) || substr(h, 21, 6)) END))[1];
CREATE MACRO cf_inv_uuid_of(x) AS cf_uuid_of_oid(x);

-- Binary data of subtype 3 in the byte order of a driver; each of the orders is its own inverse.
CREATE MACRO cf_inv_of_legacy(x, o) AS
    CASE WHEN x IS NULL THEN NULL ELSE struct_pack("$ejson" := '{"$binary":{"base64":"'
         || base64(from_hex(cf_legacy_hex(o, replace(CAST(x AS VARCHAR), '-', '')))) || '","subType":"03"}}') END;

-- The number that epoch_ms_date, epoch_s_date and julian_date take.
CREATE MACRO cf_inv_ms_of(x) AS epoch_ms(x);
CREATE MACRO cf_inv_s_of(x) AS (list_transform([epoch_ms(x)], lambda v: CASE WHEN v % 1000 = 0 THEN v // 1000 END))[1];
CREATE MACRO cf_inv_julian_of(x) AS epoch_ms(x) / 86400000.0 + 2440587.5;

-- The inverse of escape_nul. Between two doubled backslashes, a single one can only be before a 0.
CREATE MACRO cf_inv_unescape_nul(x) AS
    array_to_string(list_transform(string_split(x, '\\'), lambda p: replace(p, '\0', chr(0))), '\');
CREATE MACRO cf_inv_unescape_nul_json(x) AS
    array_to_string(list_transform(string_split(CAST(x AS VARCHAR), '\\\\'), lambda p: replace(p, '\\0', '\u0000')), '\\');
