"""Write the start of a package: a generator, a retriever, a measure or a dataset, with its test."""
