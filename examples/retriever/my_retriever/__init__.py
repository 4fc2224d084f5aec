"""A retriever for qms-bench."""
