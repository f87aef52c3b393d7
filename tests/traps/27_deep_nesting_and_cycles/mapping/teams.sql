SELECT t._id AS id, t.lead AS lead_id FROM teams AS t
