-- A backslash becomes two, NUL a backslash and a 0: nothing is lost, and it can be undone.
SELECT n._id AS id, escape_nul(n.title) AS title, escape_nul(json_of(n.meta)) AS meta FROM notes AS n
