"""Training: data sets, distortions, networks and recipes to versioned model bundles."""
