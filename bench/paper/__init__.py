"""The paper's tables and claims as data, and what can be said of our scores beside them."""
