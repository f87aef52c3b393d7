SELECT f._id AS id, uuid_of_legacy(f.u, 'csharp') AS u FROM files AS f
