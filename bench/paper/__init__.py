"""The QMS paper's tables, misprints and claims as data, and our runs beside them."""
