SELECT p._id AS id, p.__t AS kind, p.name AS name, p.lives AS lives, p.barks AS barks FROM pets AS p
