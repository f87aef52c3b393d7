SELECT t._id AS id, json_of(t.expires) AS expires, t.seen AS seen FROM tokens AS t
