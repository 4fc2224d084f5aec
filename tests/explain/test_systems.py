"""What a generator explains, as lines of text."""

from __future__ import annotations

from bench.explain.systems import format_lines


def test_an_explanation_is_told_line_by_line() -> None:
    rows = [{"query": "apple pie", "similarity": 0.9, "rejected": False}]
    explanation = {"video_id": "v", "summary": "pie", "U_v": 0.5, "selected": [], "queries": rows}
    assert list(format_lines(explanation)) == [
        "U v: 0.500",
        "selected: (none)",
        "queries:",
        "  apple pie, similarity 0.900, rejected no",
    ]
