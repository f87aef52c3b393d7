"""The change feed if logical decoding is not available: triggers write the keys into tables beside the data.

A position is a snapshot (`xmin:xmax:xip`). The changes after it are those of all transactions that it does not see, in
whatever order they committed. A counter would not work: its numbers become visible out of order.
"""
