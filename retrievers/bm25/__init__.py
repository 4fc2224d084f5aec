"""BM25, by Lucene's own code or without Java."""
