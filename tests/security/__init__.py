"""What files from others may not do."""
