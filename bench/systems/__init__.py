"""Generators and retrievers as the harness sees them."""
