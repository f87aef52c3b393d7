CREATE TABLE counters (id integer PRIMARY KEY, small smallint, usual integer, big bigint, f double precision);
