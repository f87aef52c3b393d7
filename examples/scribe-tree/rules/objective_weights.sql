-- The weights of a template's or an assignment's learning objectives sum to 100 (give or take 0.01).
SELECT template_id, assignment_id, sum(weight) AS total
FROM   learning_objectives
GROUP  BY template_id, assignment_id
HAVING abs(sum(weight) - 100) > 0.01
