SELECT "table"._id         AS id,
       "table"."select"    AS "select",
       "table"."from"      AS "Group",
       "table"."größe#d353" AS "größe",
       "table"."größe#015a" AS "größe",
       "table"."user"."table" AS "user",
       "table"."a b"       AS "a b",
       "table"."日本"      AS "日本",
       "table"."drop""table" AS "q""q",
       'x'                 AS "100%"
FROM   "order" AS "table"
