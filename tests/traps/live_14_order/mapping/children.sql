SELECT c.id AS id, c.parent AS parent_id FROM children AS c
