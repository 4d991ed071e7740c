"""The gate: what clients send becomes whole requests, and no more of them than can be answered in time."""
