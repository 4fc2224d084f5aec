"""The audit of results tables: arithmetic that any table of retrieval scores must satisfy.

A file is read by `readers.csv`, `readers.markdown` or `readers.latex` into a `readers.grid.Grid`,
`readers.header` finds its columns and returns a `table.Table`, the checks (`rules`, `improvements`,
`emphasis`, `granularity`) yield violations, and `report` collects them.
"""
