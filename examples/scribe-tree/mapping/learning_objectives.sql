-- One row for every learning objective of a template or of an assignment. Weights are ints, doubles, decimals and text.
SELECT uuid_of(o.objective._id)                    AS id,
       uuid_of(t._id)                              AS template_id,
       NULL                                        AS assignment_id,
       o.n                                         AS position,
       o.objective.description                     AS description,
       o.objective.bloomsLevel                     AS blooms_level,
       o.objective.category                        AS category,
       as_decimal(o.objective.weight, 7, 4)        AS weight
FROM   assignmenttemplates AS t, unnest(t.learningObjectives) WITH ORDINALITY AS o(objective, n)
UNION ALL
SELECT uuid_of(o.objective._id)                    AS id,
       NULL                                        AS template_id,
       uuid_of(a._id)                              AS assignment_id,
       o.n                                         AS position,
       o.objective.description                     AS description,
       o.objective.bloomsLevel                     AS blooms_level,
       o.objective.category                        AS category,
       as_decimal(o.objective.weight, 7, 4)        AS weight
FROM   assignments AS a, unnest(a.learningObjectives) WITH ORDINALITY AS o(objective, n)
