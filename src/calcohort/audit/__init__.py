"""What a reviewer checks a run by: checksums, claims, contradictions, checklists, provenance, timing."""
