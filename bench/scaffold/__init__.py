"""Start a package of one's own: a generator, a retriever, a measure or a dataset, with its test."""
