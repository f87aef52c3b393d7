CREATE TABLE things (id text PRIMARY KEY, name text);
CREATE TABLE uuids (id uuid PRIMARY KEY, name text);
CREATE TABLE jsons (id jsonb PRIMARY KEY, name text);
