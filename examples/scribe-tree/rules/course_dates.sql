-- A course ends after it starts.
SELECT id, title, start_date, end_date
FROM   courses
WHERE  end_date <= start_date
