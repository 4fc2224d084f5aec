"""Generators: systems that write a summary for each video."""
