"""Systems that search summaries; each is one entry point."""
