"""Rows that need no training: keywords, key phrases and passages picked from the transcript."""
