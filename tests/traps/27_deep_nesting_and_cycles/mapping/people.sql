SELECT p._id AS id, p.friend AS best_friend, p.team AS team_id, json_of(p.deep) AS deep FROM people AS p
