"""Find the header of a printed table: which column holds which metric, the labels, the groups."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.errors import DataError
from bench.lint.readers.cell import UNREADABLE
from bench.lint.readers.grid import Grid, transpose
from bench.lint.readers.number import bare, is_missing
from bench.lint.table import MAX_NAME, TEXT, Column, is_weak_name, parse_column, two_level_name

Names = dict[int, tuple[str, Column]]
"""Column index → (group of columns, such as a retriever above or beside the name; what the column holds)."""


@dataclass(frozen=True, slots=True)
class Header:
    """The positions of numbers, labels, groups and counts of queries in a grid; ``body`` is the first row."""

    numbers: Names
    label: int
    groups: tuple[int, ...]
    n: int | None
    left_out: tuple[str, ...]
    body: int


_LABEL = re.compile(r"\b(?:model|method|system|generator|approach|name|run|count|variant|team)s?$", re.I)
_GROUP = re.compile(
    r"(?:retriev(?:er|al)|ranker|engine|index|search(?:er)?|data ?sets?|data|corpus|collection|benchmark"
    r"|split|subset|test ?set|language|lang|domain|task|direction)s?",
    re.I,
)
_N = re.compile(r"n|#?\s?(?:evaluated )?queries", re.I)
_DEVIATION = re.compile(
    r"(?:±\s?)?(?:std|s\.?d\.?|stdev|std\.? ?(?:dev|err)\.?|stderr|sem|p[- ]?values?|variance|var|ci|±)", re.I
)
_FAMILY = re.compile(
    r"(?:recall|precision|acc(?:uracy)?|success|hit.{0,20}|hr|bleu|[rpbs])?(?:\s?@\s?k)?(?:\s?\(.{0,40}\))?",
    re.I,
)
_METRICS = re.compile(r"metrics?|measures?|scores?", re.I)
_RANKED = r"(?:r|rec|recall|p|prec|precision|acc|accuracy|hits?|hr|success)(?:\s?@\s?|_at_)\d{1,6}k?"
_PREFIXED = re.compile(
    rf"(?:(?P<group>.{{1,60}}?)[\s:_-]{{1,3}}|(?P<path>[^@]{{1,60}})/)(?P<name>{_RANKED})\s?(?:[↑↓]|\(%\))?",
    re.I,
)
_SUFFIXED = re.compile(
    rf"(?P<name>{_RANKED})\s?(?:[(\[](?P<group>[^()\[\]]{{1,60}})[)\]]|[,:]\s?(?P<after>.{{1,60}}))", re.I
)
_TUPLE = re.compile(r"\((?P<parts>'[^']{0,80}'(?:, '[^']{0,80}'){1,4})\)")
_OTHER_KIND = re.compile(
    r"\b(?:std|sd|stdev|stderr|var|ci|diff|delta|gain|imp|rank|lower|upper|low|high|min|max|error|p)\b|p-?val|[±Δ∆+#%]"
    r"|improv|cap(?:ped)?\b",
    re.I,
)
_FRACTION = re.compile(r"\d[.]\d{1,2}(?!\d)|\d[.]\d{4,}|^0?[.]\d")
_NUMBER = re.compile(r"[+-]?(?:\d[\d,]*\.?\d*|\.\d+)(?:e-?\d+)?", re.I)


def parse_name(text: str) -> tuple[str, Column] | None:
    """Parse the group and the column that a header cell names: ``T2V R@1``, ``R@1 (BM25)``, or ``R@1``."""
    if len(text) > 2 * MAX_NAME:
        return None
    if (column := parse_column(text)) is not None:
        return "", column
    if pair := _TUPLE.fullmatch(text):
        *group, name = re.findall(r"'([^']*)'", pair["parts"])
        return (" ".join(group), column) if (column := parse_column(name)) else None
    match = _PREFIXED.fullmatch(text) or _SUFFIXED.fullmatch(text)
    group_text = match and next(filter(None, map(match.groupdict().get, ("group", "path", "after"))), None)
    if match and group_text and not _OTHER_KIND.search(group_text):
        return (group_text.strip(" ,:"), column) if (column := parse_column(match["name"])) else None
    return None


def is_deviation_name(text: str) -> bool:
    """Check whether a row of this name holds deviations or p-values, and no scores."""
    return bool(_DEVIATION.fullmatch(text))


def is_number(text: str) -> bool:
    """Check whether a cell is a number; style and marks do not matter."""
    return bool(_NUMBER.fullmatch(bare(text)))


def known_names(texts: Sequence[str]) -> Names:
    """Find the columns that a row of texts names.

    A lone "Test" or "Total" is no part of a data set; "C" and "B1" are metrics beside other metrics of
    texts only.
    """
    names = {j: name for j, text in enumerate(texts) if text and (name := parse_name(text))}
    weak = {j for j in names if is_weak_name(texts[j])}
    strong = any(column.family in (*TEXT, "CIDEr") for j, (_, column) in names.items() if j not in weak)
    counts = [column.family for _, column in names.values() if column.is_count]
    has_sum = len(set(counts) - {"Total"}) > 1 and "Total" in counts
    return {
        j: (group, column)
        for j, (group, column) in names.items()
        if (strong or j not in weak) and (has_sum or not column.is_count)
    }


def mentions_metric(grid: Grid) -> bool:
    """Check whether a table names a metric in its first rows or columns, readable or not."""
    cells = [cell for row in grid.rows[:4] for cell in row.cells[:200]]
    cells += [cell for row in grid.rows[:200] for cell in row.cells[:2]]
    names = ((cell.text, parse_name(cell.text)) for cell in cells)
    return any(name and not name[1].is_count and not is_weak_name(text) for text, name in names)


def is_header(texts: Sequence[str]) -> bool:
    """Check whether a row names a column and has no score beside the names."""
    return bool(known_names(texts)) and not any("." in text and is_number(text) for text in texts)


def find_header(grid: Grid) -> tuple[Grid, Header] | None:
    """Find the header of a grid, transposed where its rows are the metrics; None without a known name.

    Raises DataError for columns that cannot be told apart.
    """
    header = _find(grid)
    if header is not None:
        return grid, header
    at = _metric_column(grid)
    if at is None:
        return None
    turned = transpose(grid, at)
    header = _find(turned)
    return None if header is None else (turned, header)


def _metric_column(grid: Grid) -> int | None:
    """Detect the column whose cells name metrics, in a table whose rows are the metrics."""
    width = len(grid.rows[0].cells)
    for j in range(min(3, width - 1)):
        texts = [row.cells[j].text for row in grid.rows]
        names = known_names(texts[1:])
        beside = any(is_number(cell.text) for i in names for cell in grid.rows[i + 1].cells[j + 1 :])
        if beside and len(names) >= (1 if _METRICS.fullmatch(texts[0]) else 2):
            return j
    return None


def _find(grid: Grid) -> Header | None:
    """Look at the first rows for known names: in one row, or in two that name a column together."""
    rows = [row.texts() for row in grid.rows[:6]]
    for i in range(min(4, len(rows))):
        below = rows[i + 1] if i + 1 < len(rows) else []
        here, next_ = known_names(rows[i]), known_names(below)
        if here and is_header(rows[i]) and len(next_) <= len(here):
            return _one_level(grid, i, here)
        tops = _filled(rows[i])
        pairs: Names = {
            j: ("", both)
            for j, text in enumerate(below)
            if text and tops[j] and (both := two_level_name(tops[j], text))
        }
        if pairs and len(pairs) > len(next_) and not any("." in text and is_number(text) for text in below):
            return _columns(grid, i + 2, [rows[i], below], pairs)
    return None


def _filled(texts: Sequence[str]) -> list[str]:
    filled: list[str] = []
    for text in texts:
        filled.append(text or (filled[-1] if filled else ""))
    return filled


def _one_level(grid: Grid, at: int, here: Names) -> Header:
    """Build the header whose metrics are in one row, with groups above, beside or below the names."""
    texts = grid.rows[at].texts()
    if at + 1 < len(grid.rows) and (below := _below(texts, grid.rows[at + 1].texts(), here)):
        return _columns(grid, at + 2, [texts, grid.rows[at + 1].texts()], below)
    above = [grid.rows[i].texts() for i in range(at)]
    tops = _filled(above[-1]) if above else [""] * len(texts)
    seen = Counter(here.values())
    over = {tops[j] for j in here}
    apart = max(seen.values()) > 1 or (len(over) > 1 and not all(map(_FAMILY.fullmatch, over)))
    if apart:
        names = {j: (f"{tops[j]} {group}".strip(), column) for j, (group, column) in here.items()}
        if len(above) > 1 and len(set(names.values())) < len(names):  # a third level, such as data sets
            higher = _filled(above[-2])
            names = {j: (f"{higher[j]} {group}".strip(), column) for j, (group, column) in names.items()}
        here = names
    kept = {j: name for j, name in here.items() if not (apart and is_deviation_name(tops[j]))}
    return _columns(grid, at + 1, [*above, texts], kept)


def _below(texts: Sequence[str], below: Sequence[str], here: Names) -> Names:
    """Combine metrics that span several columns with the groups in the row below; {} if no metric does."""
    owners = [0] * len(texts)
    for j, text in enumerate(texts):
        owners[j] = j if text or not j else owners[j - 1]
    covered = [j for j in range(len(texts)) if owners[j] in here]
    others = [text for j, text in enumerate(below) if j not in covered]
    numeric = any(is_number(below[j]) for j in covered)
    spans = len(covered) > len(here) or len(set(here.values())) < len(here)
    if not spans or not all(below[j] for j in covered) or (numeric and any(others)):
        return {}
    return {
        j: (f"{here[owners[j]][0]} {below[j]}".strip(), here[owners[j]][1])
        for j in covered
        if not is_deviation_name(below[j])
    }


def _columns(grid: Grid, body: int, levels: Sequence[Sequence[str]], numbers: Names) -> Header:
    """Build the header of known columns: choose label, groups and count of queries among the others."""
    names = [next((text for text in reversed(column) if text), "") for column in zip(*levels, strict=True)]
    line = grid.rows[body - 1].line
    if twice := [name for name, times in Counter(numbers.values()).items() if times > 1]:
        times = Counter(column for _, column in numbers.values())[twice[0][1]]
        raise DataError(
            f"{grid.file}:{line}: column '{twice[0][1]}' appears {times} times with nothing above it that "
            "distinguishes them. Name the groups in the row above."
        )
    covered = {j for j in range(len(names)) if j in numbers}
    others = [j for j in range(len(names)) if j not in covered]
    if not others:
        raise DataError(f"{grid.file}:{line}: no column is left for the names of the rows.")
    if index_names := _index_names(grid, body, others):
        body += 1
        names = [index_names.get(j) or name for j, name in enumerate(names)]
    numbers = _without_other_counts(grid, body, numbers, names)
    label = next((j for j in others if _LABEL.fullmatch(names[j])), None)
    if label is None:
        label = next((j for j in others if _LABEL.search(names[j][-40:])), None)
    before = [j for j in others if label is not None and j < label and _repeats(grid, body, j)]
    grouping = [j for j in others if _GROUP.fullmatch(names[j]) or j in before]
    if label is None:
        label = next((j for j in others if j not in grouping and _has_text(grid, body, j)), others[0])
    groups = tuple(j for j in grouping if j != label)
    n = next((j for j in others if _N.fullmatch(names[j])), None)
    left_out = tuple(
        names[j].removeprefix(UNREADABLE) for j in others if j not in (label, n, *groups) and names[j]
    )
    return Header(numbers, label, groups, n, left_out, body)


def _index_names(grid: Grid, body: int, others: Sequence[int]) -> Mapping[int, str]:
    """Read the names of the label columns from a row that holds nothing else, as pandas writes them."""
    if body + 1 >= len(grid.rows):
        return {}
    row, after = grid.rows[body], grid.rows[body + 1]
    names = {j: row.cells[j].text for j in others if row.cells[j].text}
    blank = all(not cell.text and not cell.spanned for j, cell in enumerate(row.cells) if j not in others)
    separate = not row.ruled and (after.ruled or not grid.headings)
    values = any(is_number(cell.text) for cell in after.cells)
    return names if names and blank and separate and values and 0 in names else {}


def _without_other_counts(grid: Grid, body: int, numbers: Names, names: Sequence[str]) -> Names:
    """Drop Train, Val, Test, Total where they hold accuracies or losses: fractions, or means of the parts."""
    counts = {j: column for j, (_, column) in numbers.items() if column.is_count}
    if not counts:
        return numbers
    rows = [{j: row.cells[j].text for j in counts} for row in grid.rows[body:]]
    fractions = any(_FRACTION.search(text) for row in rows for text in row.values())
    total = next((j for j, column in counts.items() if column.family == "Total"), -1)
    ambiguous = total >= 0 and names[total].strip().lower() in ("all", "overall")
    if fractions or (ambiguous and all(_is_mean(row, total) for row in rows)):
        return {j: name for j, name in numbers.items() if j not in counts}
    return numbers


def _is_mean(row: Mapping[int, str], total: int) -> bool:
    values = {j: float(bare(text).replace(",", "")) for j, text in row.items() if is_number(text)}
    parts = [value for j, value in values.items() if j != total]
    return total not in values or not parts or min(parts) <= values[total] <= max(parts)


def _repeats(grid: Grid, body: int, j: int) -> bool:
    """Check whether a column can group rows: a rank or a year's list of different values cannot."""
    texts = [row.cells[j].text for row in grid.rows[body:]]
    return len(set(texts)) < len(texts)


def _has_text(grid: Grid, body: int, j: int) -> bool:
    texts = [row.cells[j].text for row in grid.rows[body:]]
    return any(texts) and not all(is_number(text) or is_missing(text) for text in texts)
