"""Outcome registries as a hospital exports them: read, checked and put under calcohort's names."""
