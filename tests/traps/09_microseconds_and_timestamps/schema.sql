CREATE TABLE events (id integer PRIMARY KEY, at timestamptz, ms timestamptz(3), seconds timestamptz(0), op_t bigint, op_i bigint, op jsonb);
