"""What a page about runs is made of, read from their output folders alone."""
