SELECT c.id AS id, c.parent_id AS parent_id FROM children AS c
