"""Corrections that people sent: kept in one file, exported as folders of pictures."""
