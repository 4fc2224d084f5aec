"""What all trained generators share: training, batches, decoding, checkpoints."""
