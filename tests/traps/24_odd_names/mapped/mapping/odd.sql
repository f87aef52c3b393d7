SELECT o._id         AS id,
       o."$price"    AS price,
       o."a.b"       AS a_b,
       o.a.b         AS ab,
       o.a."#e3b0"   AS a_empty,
       o."0"         AS zero,
       o." "         AS blank,
       o."""q"""     AS quoted,
       o."#e3b0"     AS empty,
       o."[]"        AS brackets,
       o."##3343"    AS hash,
       json_of(o.x)  AS j
FROM   odd AS o
