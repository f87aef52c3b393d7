-- There is an administrator.
SELECT 'nobody' AS admin WHERE NOT EXISTS (SELECT FROM users WHERE role = 'admin')
