"""Tables of scores and their formats."""
