"""A finished run in the formats of other tools: TREC, BEIR, MTEB's results, Every Eval Ever."""
