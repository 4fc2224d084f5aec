"""A encoder for qms-bench."""
