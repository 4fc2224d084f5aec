"""Dense retrievers: pretrained and fine-tuned bi-encoders, exact vector search."""
