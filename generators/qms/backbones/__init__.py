"""The encoder-decoders that QMS is built on (paper, Table VI)."""
