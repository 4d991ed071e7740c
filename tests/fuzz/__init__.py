"""Thousands of faulty requests to a real server: every one must be answered, and none with an error of the server."""
