CREATE TABLE people (
    id integer PRIMARY KEY,
    best_friend integer REFERENCES people (id),
    team_id integer NOT NULL,
    deep jsonb
);
CREATE TABLE teams (id integer PRIMARY KEY, lead_id integer NOT NULL REFERENCES people (id));
ALTER TABLE people ADD FOREIGN KEY (team_id) REFERENCES teams (id);
CREATE TABLE answers (person_id integer REFERENCES people (id), i integer, j integer, k integer, answer text, PRIMARY KEY (person_id, i, j, k));
