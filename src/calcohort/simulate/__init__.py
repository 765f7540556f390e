"""Simulated inputs: phantoms as DICOM, and the registries of a hospital around them."""
