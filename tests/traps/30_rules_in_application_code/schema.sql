CREATE TABLE users (
    id   integer PRIMARY KEY,
    role text NOT NULL CHECK (role IN ('admin', 'user')),
    age  integer CHECK (age >= 0),
    name text NOT NULL
);
