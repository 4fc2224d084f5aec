"""The files of a run's output folder."""
