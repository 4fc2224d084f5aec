"""Systems that write summaries; each is one entry point."""
