-- One row for every template; its learning objectives are in learning_objectives.
SELECT uuid_of(t._id)                              AS id,
       t.title                                     AS title,
       t.description                               AS description,
       t.instructions                              AS instructions,
       coalesce(json_of(t.requirements), '{}')     AS requirements,
       coalesce(json_list(t.writingStages), '[]')  AS writing_stages,
       coalesce(json_of(t.aiSettings), '{}')       AS ai_settings,
       coalesce(json_of(t.gradingCriteria), '{}')  AS grading_criteria,
       uuid_of(t.instructor)                       AS instructor_id,
       coalesce(t.isPublic, false)                 AS is_public,
       coalesce(as_int(t.usageCount), 0)           AS usage_count,
       list_of(t.tags)                             AS tags,
       t.createdAt                                 AS created_at,
       t.updatedAt                                 AS updated_at
FROM   assignmenttemplates AS t
