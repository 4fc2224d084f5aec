"""Presets: option values as data files."""
