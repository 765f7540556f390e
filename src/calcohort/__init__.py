"""calcohort: from CT scans and outcome registries to a complete, auditable cohort analysis."""

__version__ = "0.1.0"
