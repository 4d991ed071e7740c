"""Transfer: a new symbol set on the frozen lower layers of a trained network."""
