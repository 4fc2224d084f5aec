"""Zero-shot rows: language and vision models of others, at an endpoint or from weights, without training."""
