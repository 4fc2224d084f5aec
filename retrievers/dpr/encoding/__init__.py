"""Text encoders: weights and texts in, vectors out, in float32 or bfloat16."""
