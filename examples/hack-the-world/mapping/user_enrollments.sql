-- One row for every enrollment. The first release wrote `userid`: fields that differ only in case have names of their own
-- in SQL (source.lock.json shows them). A percentage is rounded to a whole number: that is meant.
SELECT oid_text(e._id)                                  AS id,
       oid_text(coalesce(oid_of(e."userId#6ccb"), e."userid#fd14")) AS userId,
       oid_text(e.moduleId)                             AS moduleId,
       upper(e.status)                                  AS status,
       coalesce(e.enrolledAt, e.createdAt)              AS enrolledAt,
       e.completedAt                                    AS completedAt,
       e.lastAccessedAt                                 AS lastAccessedAt,
       CAST(round(as_double(e.progressPercentage)) AS INTEGER) AS progressPercentage,
       e.completedSections                              AS completedSections,
       e.totalSections                                  AS totalSections,
       e.timeSpent                                      AS timeSpent,
       e.certificateIssued                              AS certificateIssued,
       as_int(e.grade)                                  AS grade,
       e.feedback                                       AS feedback,
       e.isActive                                       AS isActive,
       e.createdAt                                      AS createdAt,
       e.updatedAt                                      AS updatedAt
FROM   userenrollments AS e
