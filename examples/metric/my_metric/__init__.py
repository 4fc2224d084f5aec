"""A metric for qms-bench."""
