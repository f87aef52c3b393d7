-- The writing stages of an assignment or a template have orders of their own.
SELECT 'assignments' AS owner, a.id, stage->>'order' AS stage_order, count(*) AS stages
FROM   assignments AS a, jsonb_array_elements(a.writing_stages) AS stage
GROUP  BY a.id, stage->>'order'
HAVING count(*) > 1
UNION ALL
SELECT 'assignment_templates', t.id, stage->>'order', count(*)
FROM   assignment_templates AS t, jsonb_array_elements(t.writing_stages) AS stage
GROUP  BY t.id, stage->>'order'
HAVING count(*) > 1
