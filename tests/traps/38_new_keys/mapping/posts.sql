SELECT uuid_of(p._id) AS id, oid_text(p._id) AS legacy_id, uuid_of(p.by) AS by_id FROM posts AS p
