"""The dense retrievers."""
