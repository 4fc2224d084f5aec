"""Tables of scores, printed as Markdown, CSV, LaTeX and HTML."""
