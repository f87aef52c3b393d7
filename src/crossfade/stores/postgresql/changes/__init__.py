"""The change feed of PostgreSQL, by the keys of the rows that changed.

choice.py         the log if it can be read, else triggers/
requirements.py   what is missing, for check
feed.py           by the log: what is created (publication.py, slot.py) and where the feed is
batches.py        the loop: receive (stream.py), confirm, yield what a new snapshot sees (snapshot.py)
following.py      messages (pgoutput.py) as keys (keys.py) and a position (lsn.py, timeline.py)
redefined.py      tables that were redefined (definitions.py)
reading.py        readers whose reads have seen a floor
"""
