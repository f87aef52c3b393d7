SELECT d._id AS id, json_of(d.d) AS plain, ejson_of(d.d) AS exact, rest_of(d) AS rest FROM deep AS d
