CREATE TABLE documents (id integer PRIMARY KEY, body text, bytes bytea, j jsonb);
CREATE TABLE items (document_id integer, n integer, item integer, PRIMARY KEY (document_id, n));
CREATE TABLE files (id uuid PRIMARY KEY, name text NOT NULL, length bigint NOT NULL, chunk_size integer, uploaded_at timestamptz);
CREATE TABLE file_chunks (file_id uuid NOT NULL REFERENCES files (id), n integer NOT NULL, data bytea NOT NULL, PRIMARY KEY (file_id, n));
