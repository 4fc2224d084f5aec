"""A dataset for qms-bench."""
