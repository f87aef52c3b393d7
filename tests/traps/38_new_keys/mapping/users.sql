SELECT uuid_of(u._id) AS id, CASE WHEN bson_type(u._id) = 'objectId' THEN oid_text(oid_of(u._id)) ELSE ejson_of(u._id) END AS legacy_id, u.name AS name
FROM   users AS u
