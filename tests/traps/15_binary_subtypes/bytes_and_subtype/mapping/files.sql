SELECT f._id AS id, bytes_of(f.data) AS data, bson_type(f.data) AS subtype FROM files AS f
