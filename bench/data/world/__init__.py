"""The micro-world behind the synthetic datasets: vocabulary, points, speech, pictures, queries."""
