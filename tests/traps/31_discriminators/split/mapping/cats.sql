SELECT p._id AS id, p.name AS name, p.lives AS lives, p.barks AS barks FROM pets AS p WHERE p.__t = 'Cat'
