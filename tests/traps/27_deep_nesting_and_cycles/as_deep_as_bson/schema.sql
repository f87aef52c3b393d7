CREATE TABLE deep (id integer PRIMARY KEY CHECK (id <> 1793), plain jsonb, exact json, rest jsonb);
