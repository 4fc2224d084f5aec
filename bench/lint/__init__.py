"""Audit the arithmetic of a results table: the paper's, ours or anybody's.

file → (`csvform`, `markdown`, `latex`) → `grid` → `tables` → `rules` → `report`.
"""
