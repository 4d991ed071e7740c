"""Serving: ink to symbols, bundles to engines, readings over HTTP. Runs without TensorFlow."""
