"""What every neural row shares."""
