"""What a stranger adds to the benchmark."""
