CREATE TABLE bookings (
    id integer PRIMARY KEY, room text NOT NULL, days daterange NOT NULL, code text,
    EXCLUDE USING gist (days WITH &&) WHERE (room = 'hall') DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX bookings_code ON bookings (((code)::integer));
CREATE UNIQUE INDEX bookings_ten ON bookings (((code)::integer / 10)) WHERE room = 'loft';
CREATE TABLE guests (id integer PRIMARY KEY, booking_id integer NOT NULL REFERENCES bookings);
