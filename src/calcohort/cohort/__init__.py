"""From linked registries and scores to the analysis table, every patient accounted for."""
