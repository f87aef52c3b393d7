"""MongoDB dumps without a server: folders and archives of mongodump, files of mongoexport.

store.py     what the path is                    framing.py   where BSON documents begin and end
layout.py    what a dump consists of             archive.py   the archive format; crc64.py its checksums
folder.py    folders                             exported.py  documents as Extended JSON; ejson.py into BSON
unpack.py    from files to spools                spool.py     a collection laid out for random access
cache.py     the folder of the spools            lookup.py    finding documents by a value
inspect.py   and source.py: the store's parts
"""
