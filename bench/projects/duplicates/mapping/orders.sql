SELECT o.number                       AS id,
       upper(o.customer)              AS customer,
       as_decimal(o.total, 12, 2)     AS total,
       parse_int(o.quantity)          AS quantity,
       json_of(o.items)               AS items
FROM   orders AS o
