"""MDVC: a Transformer for each modality (Iashin & Rahtu 2020)."""
