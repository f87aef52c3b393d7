-- Progress names the module that its content belongs to, and the content's type.
SELECT p."id", p."moduleId", c."moduleId" AS "contentModuleId", p."contentType", c."type"
FROM   "user_progress" AS p JOIN "content" AS c ON c."id" = p."contentId"
WHERE  p."moduleId" <> c."moduleId" OR p."contentType" <> c."type"
