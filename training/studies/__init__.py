"""Studies: what the lectures teach by comparing networks, run again; `python -m training.studies NAME`."""
