-- One row for every comment; `parent` names another comment of the same thread.
SELECT uuid_of(k.comment._id)                      AS id,
       uuid_of(s._id)                              AS submission_id,
       uuid_of(k.comment.author)                   AS author_id,
       uuid_of(k.comment.parent)                   AS parent_id,
       k.comment.content                           AS content,
       coalesce(k.comment.type, 'general')         AS type,
       k.comment.highlightedText                   AS highlighted_text,
       json_of(k.comment.position)                 AS position,
       coalesce(k.comment.isResolved, false)       AS is_resolved,
       k.comment.createdAt                         AS created_at,
       k.comment.updatedAt                         AS updated_at
FROM   assignmentsubmissions AS s, unnest(s.comments) AS k(comment)
