"""Table II for any dataset: counts, statistics, and entities of a text."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable
from statistics import fmean

import pandas as pd

from bench.choices import ONE_QUERY_PER_VIDEO, SPLITS, Protocol
from bench.data.dataset import Dataset
from bench.data.evaluation_set import even_sample
from bench.data.similarity import SIMILARITY, describe_missing_vectors
from bench.data.statistics import ALL, compute_statistics, dataset_title
from bench.output.schema import to_csv
from bench.paper import published
from bench.paper.runs import PAPERS_DATASET, is_paper_dataset
from bench.paper.status import DIFFERS, IMPOSSIBLE, NOT_COMPARABLE, REPRODUCED
from bench.paper.tables import SHORT
from bench.tables.table import Cell, Rows, Table
from bench.text import TOKENS, import_jieba

COUNTS = {"#Micro-video": "videos", "#Query": "queries", "#V-Q Pair": "pairs"}
"""Rows of Table II and the measures of `bench.data.statistics`."""
_COLUMNS = {"Train": "train", "Val": "val", "Test": "test", "Total (text)": "all"}
_DIGITS = {SIMILARITY: 3}
"""Decimals of a measure where they are not 2, which is what the paper prints."""
SAMPLE = 2000
"""Texts that are tagged at most: tagging takes milliseconds a text."""
_TAGGED = (
    "Entities: words that jieba tags as nouns (n, nr, ns, nt, nz and so on), each time they occur; mean over "
    f"the transcripts that exist and over pairs of video and query, of each at most {SAMPLE:,}, evenly "
    "spaced. The paper's rule may differ."
)
_NOT_TAGGED = (
    "Entities are counted in Chinese only, by jieba's tags. A count of English content words would be "
    "another quantity under the same name, and no English tagger is among the dependencies."
)


def table2(dataset: Dataset) -> tuple[list[Table], dict[str, str]]:
    """Compare the counts, statistics and entities of a dataset with the paper's: tables and CSV texts."""
    frame = compare_counts(dataset)
    sides: dict[str, Callable[[object], str]] = {"paper": _count, "ours": _count, "status": _short}
    rows: Rows = [
        ([str(name), side], [Cell(shown(value)) for value in part[side]])
        for name, part in frame.groupby("count", sort=False)
        for side, shown in sides.items()
    ]
    notes = [
        f"Impossible as printed: {cell['count']}, {cell['split']}: {cell['why']}."
        for cell in frame[frame["status"] == IMPOSSIBLE].to_dict("records")
    ]
    if not is_paper_dataset(dataset.name):
        notes.append(f"{dataset.name} is not {PAPERS_DATASET}: counts are not comparable.")
    notes.append(f"Paper: {published.sources()['table2'].source}.")
    caption = f"Counts of {PAPERS_DATASET} in the paper beside {dataset.name}"
    counts = Table("table2", caption, ["Count", ""], list(_COLUMNS), rows, notes)
    return [counts, statistics_table(dataset, with_paper=True), _entities(dataset)], {
        "table2.csv": to_csv(frame)
    }


def statistics_table(
    dataset: Dataset, *, with_paper: bool = False, protocol: Protocol = ONE_QUERY_PER_VIDEO
) -> Table:
    """Lay out the statistics of a dataset, a row for each measure; ``with_paper`` adds the paper's.

    ``protocol`` says which queries are the evaluated ones.
    """
    columns = [*SPLITS, ALL]
    paper = published.paper_figures()
    rows = []
    for name, values in compute_statistics(dataset, protocol).items():
        digits = _DIGITS.get(name, 2)
        ours = [Cell(_shown(values[column], digits)) for column in columns]
        theirs = [Cell(_shown(paper.get(name, {}).get(column, ""), digits)) for column in columns]
        pairs = [cell for pair in zip(ours, theirs, strict=True) for cell in pair]
        rows.append(([name], pairs if with_paper else ours))
    header = [title for column in columns for title in (column, f"{column} (QMV-Kwai)")]
    has_texts = dataset.features is not None and dataset.features.transcripts is not None
    seed = ", query-seed 0" if protocol == ONE_QUERY_PER_VIDEO else ""
    notes = [
        f"Signature: data: {dataset.name}:{dataset.digest[:8]} | features: "
        f"{dataset.features.name if dataset.features else 'none'} | "
        f"evaluated: {protocol}{seed} | queries: distinct after normalisation | "
        f"Div-n: mean over videos with queries of distinct n-grams / n-grams | tokens: {TOKENS}",
        *(["QMV-Kwai: as printed in the paper; '>=' is inferred from its Table V."] if with_paper else []),
        *([] if has_texts else [describe_missing_vectors(dataset)]),
    ]
    caption = f"Statistics of {dataset_title(dataset)}" + (" beside the paper's" if with_paper else "")
    return Table("statistics", caption, ["Measure"], header if with_paper else columns, rows, notes)


def compare_counts(dataset: Dataset) -> pd.DataFrame:
    """Compare the cells of Table II with a dataset: count, split, paper, ours, status, why."""
    ours, lines = compute_statistics(dataset), []
    wrong = {(m.row, m.column): m.why for m in published.misprints("table2") if m.kind == "impossible"}
    for row in csv.DictReader(published.csv_text("table2").splitlines()):
        for column, split in _COLUMNS.items():
            label = row["Count"]
            paper, measured = int(row[column].replace(",", "")), int(ours[COUNTS[label]][split])
            if why := wrong.get((label, column)):
                status = IMPOSSIBLE
            elif not is_paper_dataset(dataset.name):
                status, why = NOT_COMPARABLE, f"another dataset than {PAPERS_DATASET}"
            else:
                status, why = (REPRODUCED, "equal") if measured == paper else (DIFFERS, "not equal")
            lines.append((label, split, paper, measured, status, why))
    return pd.DataFrame(lines, columns=["count", "split", "paper", "ours", "status", "why"])


def _entities(dataset: Dataset) -> Table:
    figures = {claim.id: claim.value for claim in published.claims("table2")}
    texts = {
        "transcript": [record.transcript for record in dataset.records if record.transcript.strip()],
        "query": [text for record in dataset.records for text in dataset.references[record.video_id]],
    }
    rows: Rows = []
    rule = noun_counter() if dataset.language == "zh" else None
    for what, all_texts in texts.items() if rule else ():
        sample = even_sample(all_texts, SAMPLE)
        ours = f"{fmean(map(rule, sample)):.2f}" if sample and rule else ""
        rows.append(([what], [Cell(figures[f"entities-{what}"]), Cell(ours), Cell(str(len(sample)))]))
    note = _TAGGED if rule else _NOT_TAGGED
    return Table("entities", "Entities per text", ["Text"], ["paper", "ours", "texts"], rows, [note])


def noun_counter() -> Callable[[str], int]:
    """Make a function that counts the nouns of a Chinese text."""
    tagger = import_jieba().posseg
    return lambda text: sum(pair.flag.startswith("n") for pair in tagger.cut(text))


def _count(value: object) -> str:
    return f"{int(str(value)):,}"


def _short(value: object) -> str:
    return SHORT.get(str(value), str(value))


def _shown(value: float | str, digits: int) -> str:
    if isinstance(value, str):
        return value
    if math.isnan(value):
        return ""
    return f"{value:,.0f}" if value == int(value) and abs(value) >= 10 else f"{value:.{digits}f}"
