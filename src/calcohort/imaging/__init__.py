"""Which scan of which patient: protocols, linking, the choice between series, and shards of work."""
