"""Write a package to start from: a generator, a retriever, a measure or a dataset, with its test."""
