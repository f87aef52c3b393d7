-- One row for every milestone of a submission.
SELECT uuid_of(m.milestone._id)                    AS id,
       uuid_of(s._id)                              AS submission_id,
       m.milestone.title                           AS title,
       m.milestone.stage                           AS stage,
       m.milestone.wordCount                       AS word_count,
       m.milestone.achievedAt                      AS achieved_at
FROM   assignmentsubmissions AS s, unnest(s.majorMilestones) AS m(milestone)
