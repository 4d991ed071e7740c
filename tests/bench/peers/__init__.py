"""`make bench-peers`: other servers with the same network on the same runtime, under the same load as ours."""
