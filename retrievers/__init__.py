"""Retrievers: systems that search summaries with queries."""
