SELECT a._id AS account_id, u.e.key AS key, u.n AS position, u.e.value.requests AS requests, u.e.value.cost AS cost
FROM   accounts AS a, unnest(entries_of(a.usage)) WITH ORDINALITY AS u(e, n)
