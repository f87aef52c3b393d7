"""Where work runs, and how it stops."""
