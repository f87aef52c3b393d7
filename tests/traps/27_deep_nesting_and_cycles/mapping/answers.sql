SELECT p._id AS person_id, s.i AS i, q.j AS j, a.k AS k, a.answer.text AS answer
FROM   people AS p,
       unnest(p.surveys) WITH ORDINALITY AS s(survey, i),
       unnest(s.survey.questions) WITH ORDINALITY AS q(question, j),
       unnest(q.question.answers) WITH ORDINALITY AS a(answer, k)
