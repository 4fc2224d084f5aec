"""A fitted generator applied to any number of new videos, read and written in blocks."""
