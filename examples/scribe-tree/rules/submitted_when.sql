-- A submission that was handed in says when.
SELECT id, status
FROM   assignment_submissions
WHERE  status IN ('submitted', 'graded') AND submitted_at IS NULL
