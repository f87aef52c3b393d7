-- One row for everyone in assignmentsubmissions.collaborators[].
SELECT uuid_of(s._id)                              AS submission_id,
       uuid_of(k.person.user)                      AS user_id,
       coalesce(k.person.role, 'collaborator')     AS role,
       k.person.joinedAt                           AS joined_at
FROM   assignmentsubmissions AS s, unnest(s.collaborators) AS k(person)
