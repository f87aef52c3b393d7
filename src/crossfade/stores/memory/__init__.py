"""A database in this process: `memory://NAME`. For tests: nothing of it outlives the process."""
