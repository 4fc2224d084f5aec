"""Seq2Seq: LSTMs with attention (Luong et al. 2015)."""
