"""Training of a torch module: the plan, the loop, checkpoints that survive a kill."""
