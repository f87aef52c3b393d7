-- A comment answers a comment on the same submission.
SELECT k.id, k.submission_id, p.submission_id AS parent_submission_id
FROM   submission_comments AS k JOIN submission_comments AS p ON p.id = k.parent_id
WHERE  p.submission_id <> k.submission_id
