CREATE TABLE docs (id integer PRIMARY KEY, as_json json, as_jsonb jsonb, as_text text);
