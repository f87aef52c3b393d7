SELECT w._id AS id, w.at AS at, w.place AS place, w.t AS t FROM weather AS w
