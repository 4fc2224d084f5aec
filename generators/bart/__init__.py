"""The BART rows."""
