SELECT c._id AS id FROM clustered AS c
