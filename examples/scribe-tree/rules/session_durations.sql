-- A writing session lasts zero seconds or more.
SELECT id, duration
FROM   writing_sessions
WHERE  duration < 0
