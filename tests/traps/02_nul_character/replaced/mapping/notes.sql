-- U+FFFD, the replacement character
SELECT n._id AS id, nul_as(n.title, '�') AS title, nul_as(json_of(n.meta), '�') AS meta FROM notes AS n
