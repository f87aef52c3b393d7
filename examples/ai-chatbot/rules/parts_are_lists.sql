-- A message has at least one part, and each part says its type.
SELECT m.id, m.parts
FROM   messages AS m
WHERE  CASE WHEN jsonb_typeof(m.parts) <> 'array' THEN true
            ELSE m.parts = '[]' OR EXISTS (SELECT 1 FROM jsonb_array_elements(m.parts) AS p WHERE p -> 'type' IS NULL) END
