"""The main path: from a configuration to a finished output folder."""
