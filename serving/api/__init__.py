"""Thin blueprints over the recogniser."""
