-- Nothing is changed before it is made.
SELECT 'users' AS "table", id, created_at, updated_at
FROM   users
WHERE  updated_at < created_at
UNION ALL
SELECT 'chats', id, created_at, updated_at
FROM   chats
WHERE  updated_at < created_at
