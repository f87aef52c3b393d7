CREATE TABLE accounts (id integer PRIMARY KEY, name text);
CREATE TABLE usage (account_id integer, key text, position integer, requests integer, cost numeric, PRIMARY KEY (account_id, key));
CREATE TABLE settings (account_id integer, key text, value jsonb, PRIMARY KEY (account_id, key));
