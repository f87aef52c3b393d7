"""Where runtime/ was."""
