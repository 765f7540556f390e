"""Statistics of the study: each family turns the analysis table into tidy tables; `families` lists them."""
