"""What the examples' journeys share: an application that is moved from one database to another while people use it.

    with two_servers("scribe_tree") as sides:    # servers.py: MongoDB with logins, PostgreSQL, two logins each
        project = Project(name, sides, MORE)     # project.py: a copy of the example; runs `crossfade ...`
        with (
            served("scribe_tree_app", HERE, sides, project.stage) as url,  # serving.py: uvicorn, a process of its own
            Load(url, act, people=4, rate=5) as load,                      # load.py: people who use it, seeded
        ):
            project.follow()                     # survey, start --detach, until it follows
            project("verify")
            before = record(url, requests)       # replay.py: requests, and what they were answered
            project.shift()                      # cutover: the plan is shown, then done
            differences = replay(url, before)    # the same requests again: every answer that differs
            load.wait(writes=400)                # a day of use
            load.report()                        # requests, 503s, the longest refusal, acknowledged writes

The application itself is made with `application` (application.py): FastAPI over one repository protocol with two
implementations, of which it takes the one that the file of `[cutover] file` names.
"""

from __future__ import annotations

from journeys.load import Load, Person
from journeys.project import Project, say
from journeys.replay import Exchange, Request, record, replay
from journeys.servers import Side, Sides, two_servers
from journeys.serving import served

__all__ = [
    "Exchange",
    "Load",
    "Person",
    "Project",
    "Request",
    "Side",
    "Sides",
    "record",
    "replay",
    "say",
    "served",
    "two_servers",
]
