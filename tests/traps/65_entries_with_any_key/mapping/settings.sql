SELECT a._id AS account_id, s.e.key AS key, ejson_of(s.e.value) AS value FROM accounts AS a, unnest(entries_of(a.settings)) AS s(e)
