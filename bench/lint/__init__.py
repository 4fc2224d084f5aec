"""Audit the arithmetic of a results table: the paper's, ours or anybody's.

A file is read by `readers.csv`, `readers.markdown` or `readers.latex` into a `readers.grid.Grid`,
`readers.header` finds its columns and returns a `table.Table`, the checks (`rules`, `improvements`,
`emphasis`, `granularity`) yield violations, and `report` collects them.
"""
