"""Hack The World's application, a part of it: the same routes over the old store and over the new one.

store.py       what the application asks of a store, and the two forms that all of it speaks in
mongo.py       the old documents, with all that they have become in some years
postgres.py    the new tables
academy.py     what people do: register, log in, enrol, complete a piece of content, look at the leaders
passwords.py   hashes of passwords, and tokens
web.py         the routes
served.py      the application that uvicorn serves, on the store that is open
"""

from __future__ import annotations

import sys
from pathlib import Path

EXAMPLES = str(Path(__file__).resolve().parents[2])
if EXAMPLES not in sys.path:  # what the examples share is in no package
    sys.path.insert(0, EXAMPLES)
