"""Shift the application from the source to the target: gates, the plan, its steps, and the way back from each."""
