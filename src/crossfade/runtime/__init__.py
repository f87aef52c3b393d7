"""Where work runs: the session of a worker, executors, how they start and stop."""
