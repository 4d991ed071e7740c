"""`make bench`: how fast, how big, beside the alternatives. A command that prints tables, never a timed test."""
