"""Why a query found a video, or did not."""
