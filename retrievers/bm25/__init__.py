"""BM25 by Lucene, or without Java."""
