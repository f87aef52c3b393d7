SELECT COALESCE(ejson_of(t._id), 'null') AS id FROM things AS t
