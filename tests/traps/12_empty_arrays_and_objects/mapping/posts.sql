SELECT p._id              AS id,
       len(p.tags)        AS tag_count,
       present(p.tags)    AS has_tags,
       p.tags             AS tags,
       bson_type(p.meta)  AS has_meta,
       json_of(p.meta)    AS meta
FROM   posts AS p
