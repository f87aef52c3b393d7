SELECT p._id AS id, list_of(p.tags) AS tags, json_list(p.tags) AS tags_json, json_of(p.grid) AS grid FROM posts AS p
