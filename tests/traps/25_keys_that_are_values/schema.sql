CREATE TABLE stats (id integer PRIMARY KEY, months jsonb);
CREATE TABLE months (stats_id integer NOT NULL REFERENCES stats (id), month text NOT NULL, sold integer NOT NULL, PRIMARY KEY (stats_id, month));
