"""What trained systems of any kind share: checkpoints of a training, and an encoder from a package."""
