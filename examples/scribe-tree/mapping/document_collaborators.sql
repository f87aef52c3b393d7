-- One row for everyone in documents.collaborators[].
SELECT uuid_of(d._id)                              AS document_id,
       uuid_of(k.person.user)                      AS user_id,
       lower(coalesce(k.person.permission, 'edit')) AS permission,
       k.person.joinedAt                           AS joined_at
FROM   documents AS d, unnest(d.collaborators) AS k(person)
