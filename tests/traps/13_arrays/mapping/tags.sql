SELECT p._id AS post_id, t.n AS n, t.tag AS tag FROM posts AS p, unnest(list_of(p.tags)) WITH ORDINALITY AS t(tag, n)
