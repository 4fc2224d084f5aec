"""A generator for qms-bench."""
