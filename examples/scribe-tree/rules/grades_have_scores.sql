-- A detailed grade names its score.
SELECT id, grade
FROM   assignment_submissions
WHERE  jsonb_typeof(grade) = 'object' AND grade->'score' IS NULL
