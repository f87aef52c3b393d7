CREATE TYPE level AS ENUM ('low', 'high');
CREATE TABLE rows (
    id    integer PRIMARY KEY,
    u     uuid,
    j     jsonb,
    kept  json,
    ip    inet,
    span  interval,
    e     level,
    bits  bit varying(8),
    days  daterange,
    day   date,
    list  text[],
    money numeric(10, 2),
    text  text
);
