"""The report: one self-contained page in which every number names the row it came from."""
