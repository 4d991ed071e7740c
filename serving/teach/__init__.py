"""Teaching: a set of drawings becomes a model, in a process of its own, one at a time."""
