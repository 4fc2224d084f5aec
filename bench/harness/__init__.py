"""The main path of an experiment."""
