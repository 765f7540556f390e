"""Statistics of the study: each family turns the analysis table into tidy tables; run.FAMILIES lists them."""
