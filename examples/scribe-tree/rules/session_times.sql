-- A writing session ends at or after its start.
SELECT id, start_time, end_time
FROM   writing_sessions
WHERE  end_time < start_time
