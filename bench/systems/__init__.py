"""Generators and retrievers as the harness uses them: looked up by name, built, keyed, fitted."""
