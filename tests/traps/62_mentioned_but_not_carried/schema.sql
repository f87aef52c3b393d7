CREATE TABLE people (
    id integer PRIMARY KEY,
    adult boolean,
    score double precision,
    initial text
);
