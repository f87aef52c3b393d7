CREATE TABLE kinds (
  id INTEGER PRIMARY KEY,
  i INTEGER, r REAL, t TEXT, b BLOB, n NUMERIC, d DECIMAL(10,2), anything,
  day DATE, at DATETIME, julian REAL, seconds INTEGER, flag BOOLEAN, js JSON, uid UUID, vc VARCHAR(20), hollow TEXT,
  gen INTEGER GENERATED ALWAYS AS (i + 1) VIRTUAL, kept INTEGER GENERATED ALWAYS AS (i * 2) STORED
);
INSERT INTO kinds VALUES
  (1, 7, 1.5, 'a' || char(9) || 'b "q" \ é 😀', x'00ff10', 12.5, 10.5, 7, '2024-01-26', '2024-01-26 10:11:12.5', 2460335.924450231,
   1706263872, 1, '{"b": 1, "a": [1, 2.50]}', '11111111-2222-3333-4444-555555555555', 'v', NULL);
INSERT INTO kinds (id) VALUES (2);
INSERT INTO kinds (id, i, r, t, b, n, d, anything, day, at, julian, seconds, flag, js, uid, vc) VALUES
  (-9223372036854775808, -9223372036854775808, -9e999, '', x'', 3, -99999999.99, 7.25, '0001-01-01', '0001-01-01 00:00:00', 0.0, 0, 0, 'null',
   '00000000-0000-0000-0000-000000000000', ''),
  (9223372036854775807, 4611686018427387904, 9e999, ' lead trail ', x'27', -0.1, 0, '7', '9999-12-31', '9999-12-31 23:59:59.999999', 2440587.5, -1,
   1, '"x"', 'ffffffff-ffff-ffff-ffff-ffffffffffff', '0'),
  (5, 0, 1e-300, '7', x'0a', 1e20, 0.01, x'37', '2000-02-29', '2000-02-29 00:00:00', 2451604.5, 951782400, 0, '[]',
   'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee', '''q'''),
  (6, 1, 1e300, 'x''ff''', x'78', 0, 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
CREATE TABLE composite ("Part A" INTEGER, "b.c" TEXT COLLATE NOCASE, day DATE, note TEXT, PRIMARY KEY ("Part A", "b.c", day DESC));
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
  INSERT INTO composite SELECT i % 7, char(97 + i % 26) || '"\,', date('2024-01-01', i || ' days'), CASE WHEN i % 3 = 0 THEN NULL ELSE 'n' || i END FROM n;
CREATE TABLE tight (k BLOB, v INT, PRIMARY KEY (k)) WITHOUT ROWID;
INSERT INTO tight VALUES (7, 1), ('7', 2), (x'37', 3), (7.5, 4), (9e999, 5), ('', 6), (x'', 7), ('abc', 8), (-1, 9), ('9e999', 10), ('''7''', 11), ('x''37''', 12);
CREATE TABLE strict_one (id INT PRIMARY KEY NOT NULL, a ANY, t TEXT NOT NULL, r REAL, b BLOB) STRICT;
INSERT INTO strict_one VALUES (1, 1, 'x', 1, x'01'), (2, '1', 'y', 2.5, NULL), (3, NULL, 'z', NULL, NULL);
CREATE TABLE no_key (a INT, b TEXT);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) INSERT INTO no_key SELECT i % 5, 'same' FROM n;
CREATE TABLE holed (k TEXT PRIMARY KEY, v INT);
INSERT INTO holed VALUES (NULL, 1), (NULL, 2), ('a', 3);
CREATE TABLE counted (id INTEGER PRIMARY KEY AUTOINCREMENT, x INTEGER);
INSERT INTO counted (x) VALUES (1), ('two'), (3);
CREATE TABLE "Odd ""table"" #1" ("Id" TEXT PRIMARY KEY NOT NULL, "a b" TEXT, "a.b" TEXT, "select" INT, "x#y" INT, "[]" INT);
INSERT INTO "Odd ""table"" #1" VALUES ('k1', 'x', 'y', 1, 2, 3), ('k2', NULL, 'z', NULL, 4, NULL);
CREATE TABLE empty_one (id INTEGER PRIMARY KEY, x TEXT, d DATE);
CREATE VIEW a_view AS SELECT id FROM kinds;
CREATE VIRTUAL TABLE notes USING fts5(body);
INSERT INTO notes VALUES ('some words');
