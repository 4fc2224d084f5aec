"""Generators and retrievers as the harness uses them: found by name, built, keyed, fitted."""
