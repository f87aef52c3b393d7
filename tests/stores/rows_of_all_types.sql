CREATE SCHEMA "odd Schema";
CREATE TYPE mood AS ENUM ('sad', 'it''s ok', 'happy');
CREATE TYPE pair AS (a int, "B c" text);
CREATE DOMAIN posint AS integer CHECK (VALUE > 0);
CREATE DOMAIN code AS varchar(5);
CREATE TABLE kinds (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  i2 smallint, i4 integer, i8 bigint, f4 real, f8 double precision,
  n numeric, n2 numeric(10,2), b boolean,
  t text, v varchar(20), c char(5), nm name, q "char",
  u uuid, tz timestamptz, ts timestamp, tz3 timestamptz(3), d date, tm time, tmz timetz, iv interval,
  js json, jb jsonb, by bytea, m money,
  ip inet, cd cidr, mac macaddr, mac8 macaddr8,
  bt bit(4), vb varbit, pt point, ln line, ls lseg, bx box, pa path, po polygon, ci circle,
  tv tsvector, tq tsquery, lsn pg_lsn, sn pg_snapshot, rg int4range, nr numrange, tr tstzrange, dr daterange, mr int4multirange,
  e mood, co pair, dom posint, cde code,
  ia integer[], ta text[], na numeric[], ba boolean[], ua uuid[], tza timestamptz[], da date[], ea mood[], ma integer[],
  bxa box[], ipa inet[], cha char(3)[], coa pair[],
  gen integer GENERATED ALWAYS AS (i4 + 1) STORED
);
INSERT INTO kinds (i2,i4,i8,f4,f8,n,n2,b,t,v,c,nm,q,u,tz,ts,tz3,d,tm,tmz,iv,js,jb,by,m,ip,cd,mac,mac8,bt,vb,pt,ln,ls,bx,pa,po,ci,tv,tq,lsn,sn,rg,nr,tr,dr,mr,e,co,dom,cde,ia,ta,na,ba,ua,tza,da,ea,ma,bxa,ipa,cha,coa) VALUES
 (1,2,3,1.5,2.25,12345678901234567890.123456789012345678901234567890,10.50,true,E'a\tb\n"q" \\ é 😀','v','ab','nm','x',
  '11111111-2222-3333-4444-555555555555','2024-01-26 10:00:00.123456+02','2024-01-26 10:00:00.5','2024-01-26 10:00:00.123+00','2024-01-26','10:11:12.000001','10:11:12+02','1 year 2 mons 3 days 04:05:06.789',
  '{"b": 1, "a": [1, 2.50]}','{"b": 1, "a": [1, 2.50]}','\x00ff10',12.34,'10.0.0.1/8','10.0.0.0/8','08:00:2b:01:02:03','08:00:2b:01:02:03:04:05',
  B'1010',B'101','(1,2)','{1,2,3}','[(1,2),(3,4)]','(3,4),(1,2)','[(1,2),(3,4)]','((1,2),(3,4),(5,0))','<(1,2),3>',
  'a fat cat','fat & cat','16/B374D848','10:20:10,14,15','[1,5)','(1.1,2.2]','[2024-01-01 00:00+00,2024-02-01 00:00+00)','[2024-01-01,2024-02-01)','{[1,3),[5,7)}',
  'it''s ok','(1,"x y")',5,'abcde','{1,NULL,3}','{a,NULL,"b c","q\"x",""}','{1.0,2.50}','{t,f,NULL}','{11111111-2222-3333-4444-555555555555}','{"2024-01-26 10:00:00+00"}','{2024-01-26}','{sad,happy}','{1,2}','{(3,4),(1,2);NULL;(5,6),(0,0)}','{10.0.0.1,10.0.0.0/8}','{a,"b c"}','{"(1,\"x y\")","(,)","(2,)"}');
INSERT INTO kinds (i2) VALUES (NULL);
INSERT INTO kinds (i2,i4,i8,f4,f8,n,n2,b,t,tz,ts,d,tm,jb,by,ia,ta) VALUES
 (-32768,-2147483648,-9223372036854775808,'NaN','-Infinity','NaN',-99999999.99,false,'','4713-01-01 00:00:00+00 BC','4713-01-01 00:00:00 BC','4713-01-01 BC','00:00:00','null','','{}','{}'),
 (32767,2147483646,9223372036854775807,'Infinity','NaN',-0.0000000001,0,false,' lead trail ','9999-12-31 23:59:59.999999+00','9999-12-31 23:59:59.999999','9999-12-31','23:59:59.999999','[]','\x01','{0}','{NULL}'),
 (0,0,0,1e-38,1e308,1e50,0.01,true,'0','20000-01-01 00:00:00+00','20000-01-01 00:00:00','20000-01-01','24:00:00','"x"','\x02','{5}','{x}');
CREATE TABLE composite ("Part A" int, "b.c" text COLLATE "C", day date, note text, PRIMARY KEY ("Part A", "b.c", day));
INSERT INTO composite SELECT i % 7, chr(97 + i % 26) || E'"\\,' , date '2024-01-01' + i, CASE WHEN i % 3 = 0 THEN NULL ELSE 'n' || i END FROM generate_series(1, 500) i;
CREATE TABLE "odd Schema"."Odd ""table"" #1" ("Id" uuid PRIMARY KEY, "a b" text, "a.b" text, "A b" int, "select" int, "x#y" int);
INSERT INTO "odd Schema"."Odd ""table"" #1" SELECT gen_random_uuid(), 'x' || i, 'y' || i, i, i, i FROM generate_series(1, 50) i;
CREATE TABLE no_key (a int, b text);
INSERT INTO no_key SELECT i % 5, 'same' FROM generate_series(1, 3000) i;
CREATE TABLE unique_only (k text NOT NULL UNIQUE, v int);
INSERT INTO unique_only SELECT 'k' || i, i FROM generate_series(1, 100) i;
CREATE TABLE parted (id int, at timestamptz NOT NULL, v text, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
CREATE TABLE parted_2 PARTITION OF parted DEFAULT;
INSERT INTO parted SELECT i, timestamptz '2024-01-20 00:00:00.123456+00' + i * interval '1 hour', 'p' || i FROM generate_series(1, 400) i;
CREATE TABLE base (id int PRIMARY KEY, kind text);
CREATE TABLE child (more int, PRIMARY KEY (id)) INHERITS (base);
INSERT INTO base VALUES (1, 'base'); INSERT INTO child VALUES (2, 'child', 7);
CREATE TABLE empty_one (id int PRIMARY KEY, x text[]);
CREATE TABLE f_key (x double precision PRIMARY KEY, y text);
INSERT INTO f_key VALUES (1.5,'a'),(1e20,'b'),(-0.1,'c'),(100000,'d'),(1e-7,'e'),('NaN','f'),('Infinity','g');
CREATE VIEW a_view AS SELECT id FROM kinds;
CREATE MATERIALIZED VIEW a_matview AS SELECT id FROM kinds;
