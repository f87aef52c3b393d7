SELECT d._id AS id, json_of(d.v) AS as_json, json_of(d.v) AS as_jsonb, ejson_of(d.v) AS as_text FROM docs AS d
