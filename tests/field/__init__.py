"""`make field`: what people draw, photograph and send, through the recogniser. A command that prints tables."""
