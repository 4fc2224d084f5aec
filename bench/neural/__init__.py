"""What all trained systems share: checkpoints, processes that train together, an encoder from a package."""
