SELECT d._id AS id, d.body AS body, d.bytes AS bytes, json_of(d.j) AS j FROM documents AS d
