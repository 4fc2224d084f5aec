"""What trained systems of any kind share: checkpoints, processes that train together, and an encoder from a package."""
