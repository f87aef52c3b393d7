-- Versions of a document are counted from 1.
SELECT id, document_id, version
FROM   document_versions
WHERE  version < 1
