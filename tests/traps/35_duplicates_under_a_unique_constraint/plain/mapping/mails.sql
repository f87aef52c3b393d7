SELECT u._id AS user_id, m.n AS position, m.mail AS mail FROM users AS u, unnest(u.mails) WITH ORDINALITY AS m(mail, n)
