"""What all trained generators share: the row, batches, decoding, validation, saved models."""
