"""A finished run in the formats of others: TREC, BEIR, MTEB's results, Every Eval Ever."""
