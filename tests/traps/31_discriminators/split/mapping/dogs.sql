SELECT p._id AS id, p.name AS name, p.barks AS barks FROM pets AS p WHERE p.__t = 'Dog'
