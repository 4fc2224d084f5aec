"""What the plots show, computed from the files of one or several runs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from bench.page import plots
from bench.page.plots import Plot
from bench.page.ranks import ranks
from bench.page.source import Source

if TYPE_CHECKING:
    import pandas as pd

Row = dict[str, Any]
KINDS = {"R": "Recall", "P": "Precision", "Acc": "Accuracy"}
BUCKETS = {"1": 1, "2–5": 5, "6–10": 10, "11–30": 30, "31–100": 100, "not found": math.inf}
COSTS = {
    "Search, ms (p50)": ("retriever", lambda row: row.search_p50_ms),
    "Index, bytes a video": ("retriever", lambda row: row.index_bytes_per_doc),
    "Summaries, seconds a 1,000 videos": ("generator", lambda row: 1000 / row.videos_per_s),
    "Generator, parameters": ("generator", lambda row: row.params),
    "Generator, training seconds": ("generator", lambda row: row.fit_s),
}
BINS = 5


def all_plots(sources: Sequence[Source]) -> list[Plot]:
    """Return every plot that the runs have data for."""
    scores = [row for source in sources for row in _scores(source)]
    series = list(dict.fromkeys(row["series"] for row in scores))
    found = [(source, ranks(source)) for source in sources]
    makers = (
        _curves(scores, series), _heat(scores, series), _costs(sources, scores, series),
        _quality(scores, series), _findable(found, series), _first_ranks(found, series), _training(sources),
    )  # fmt: skip
    return [plot for made in makers for plot in made]


def _scores(source: Source) -> Iterator[Row]:
    scores = source.result.headline
    for row in scores[scores["value"].notna()].itertuples():
        retriever = row.retriever if isinstance(row.retriever, str) else ""
        yield {
            "series": source.labels[row.generator],
            # of several runs the generator carries the name, so that retrievers stay comparable
            "retriever": source.manifest["labels"].get(retriever, retriever),
            "metric": row.metric,
            "value": _hundred(row.value),
            "low": _hundred(row.ci_low),
            "high": _hundred(row.ci_high),
            "n": int(row.n),
        }


def _hundred(value: float) -> float | None:
    return round(float(value) * 100, 4) if value == value else None


def _retrievers(rows: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(row["retriever"] for row in rows if row["retriever"]))


def _curves(scores: Sequence[Row], series: Sequence[str]) -> Iterator[Plot]:
    for number, retriever in enumerate(_retrievers(scores), start=1):
        for kind, name in KINDS.items():
            rows = [
                {**row, "k": int(row["metric"].rpartition("@")[2])}
                for row in scores
                if row["retriever"] == retriever and row["metric"].startswith(f"{kind}@")
            ]
            title = f"{name}: {kind}@k with {retriever}"
            note = f"Mean over n = {rows[0]['n']:,} queries; thin bars are 95 % intervals." if rows else ""
            if rows:
                yield Plot(f"curve-{kind.lower()}-{number}", "curves", title, note, plots.curve(title, rows, series))


def _heat(scores: Sequence[Row], series: Sequence[str]) -> Iterator[Plot]:
    rows = [row for row in scores if row["retriever"]]
    if rows:
        metrics = list(dict.fromkeys(row["metric"] for row in rows))
        title = "Generators and retrievers"
        spec = plots.heat(title, rows, metrics, (series, _retrievers(rows)))
        yield Plot("heat", "grid", title, "Score ×100; the darker, the higher.", spec)


def _costs(sources: Sequence[Source], scores: Sequence[Row], series: Sequence[str]) -> Iterator[Plot]:
    value = {(row["series"], row["retriever"]): row["value"] for row in scores if row["metric"] == "R@10"}
    rows = [row for kind in COSTS for row in _front([r for s in sources for r in _cost(s, kind, value)])]
    kinds = [kind for kind in COSTS if any(row["kind"] == kind for row in rows)]
    if kinds:
        title = "Effectiveness against cost"
        note = "Up and to the left is better; the dashed line is the Pareto front. Each choice has its own unit."
        yield Plot("cost", "cost", title, note, plots.cost(title, rows, kinds, series))


def _cost(source: Source, kind: str, scores: dict[tuple[str, str], float]) -> Iterator[Row]:
    whose, measure = COSTS[kind]
    costs = list(source.result.costs.itertuples())
    for generator, retriever in source.cells:
        names = {"generator": (generator, None), "retriever": (generator, retriever)}[whose]
        for row in costs:
            if row.generator == names[0] and (row.retriever == names[1] or (names[1] is None and _none(row.retriever))):
                shown = source.labels[generator], source.manifest["labels"].get(retriever, retriever)
                amount = None if _none(found := _number(measure, row)) else found
                if amount and shown in scores:
                    yield {
                        "kind": kind, "series": shown[0], "retriever": shown[1],
                        "x": amount, "value": scores[shown],
                    }  # fmt: skip


def _number(measure: Any, row: Any) -> float | None:
    try:
        return float(measure(row))
    except (TypeError, ValueError, ZeroDivisionError):  # not measured
        return None


def _none(value: Any) -> bool:
    return value is None or value != value


def _front(rows: list[Row]) -> list[Row]:
    """Mark the rows that no cheaper or equally cheap one reaches."""
    best = -math.inf
    for row in sorted(rows, key=lambda row: (row["x"], -row["value"])):
        row["front"] = row["value"] > best
        best = max(best, row["value"])
    return rows


def _quality(scores: Sequence[Row], series: Sequence[str]) -> Iterator[Plot]:
    written = {row["series"]: row for row in scores if row["metric"] == "CIDEr"}
    rows = [
        {**row, "x": of["value"], "x_low": of["low"], "x_high": of["high"]}
        for row in scores
        if row["metric"] == "R@10" and (of := written.get(row["series"]))
    ]
    if len(written) > 1 and rows:
        title = "Does caption quality predict findability? By system"
        note = "CIDEr against R@10: were one a stand-in for the other, the points would lie on a rising line."
        yield Plot("quality-systems", "quality", title, note, plots.quality(title, rows, series))


def _findable(found: Sequence[tuple[Source, pd.DataFrame]], series: Sequence[str]) -> Iterator[Plot]:
    retrievers = list(dict.fromkeys(r for source, _ in found for r in source.retrievers))
    written = {id(source): {g: source.per_video(g) for g in source.generators} for source, _ in found}
    for number, retriever in enumerate(retrievers, start=1):
        rows: list[Row] = []
        for source, places in found:
            for generator, quality in written[id(source)].items():
                own = places[(places["retriever"] == retriever) & (places["generator"] == generator)]
                rows.extend({"series": source.labels[generator], **bin_} for bin_ in _bins(own, quality))
        if rows:
            label = found[0][0].manifest["labels"].get(retriever, retriever)
            title = f"By video, with {label}"
            note = (
                f"How often a video is among the first 10 for its query, from the row's worst captions to its best, "
                f"in up to {BINS} bins (fewer where many have one CIDEr). {_sampled(found)} Bars are 95 % intervals (normal approximation)."
            )
            yield Plot(f"quality-videos-{number}", "quality", title, note, plots.binned(title, rows, series))


def _bins(places: pd.DataFrame, quality: pd.DataFrame) -> Iterator[Row]:
    import pandas as pd

    joined = places.merge(quality[["video_id", "CIDEr"]], on="video_id").dropna(subset=["CIDEr"])
    if joined.empty:
        return
    joined["found"] = (joined["rank"] <= 10).astype(float)
    cut = pd.qcut(joined["CIDEr"], BINS, duplicates="drop") if joined["CIDEr"].nunique() > 1 else joined["CIDEr"]
    joined["percentile"] = joined["CIDEr"].rank(pct=True) * 100
    for _, part in joined.groupby(cut, observed=True):
        share, n = float(part["found"].mean()), len(part)
        half = 1.96 * math.sqrt(share * (1 - share) / n)
        yield {
            "percentile": round(float(part["percentile"].mean()), 2),
            "x": round(float(part["CIDEr"].mean()) * 100, 3), "value": round(share * 100, 3),
            "low": round(max(0.0, share - half) * 100, 3), "high": round(min(1.0, share + half) * 100, 3), "n": n,
        }  # fmt: skip


def _first_ranks(found: Sequence[tuple[Source, pd.DataFrame]], series: Sequence[str]) -> Iterator[Plot]:
    retrievers = list(dict.fromkeys(r for source, _ in found for r in source.retrievers))
    for number, retriever in enumerate(retrievers, start=1):
        rows = [row for source, places in found for row in _buckets(source, places, retriever)]
        label = found[0][0].manifest["labels"].get(retriever, retriever)
        title = f"Rank of the first relevant video with {label}"
        names = [name for name in series if any(row["series"] == name for row in rows)]
        yield Plot(
            f"ranks-{number}", "ranks", title, _sampled(found), plots.stacked(title, rows, list(BUCKETS), names)
        )


def _buckets(source: Source, places: pd.DataFrame, retriever: str) -> Iterator[Row]:
    own = places[places["retriever"] == retriever]
    for generator, part in own.groupby("generator", sort=False):
        first = part.groupby("query_id", sort=False)["rank"].min().fillna(math.inf)
        below = 0
        for place, (bucket, last) in enumerate(BUCKETS.items()):
            count = int((first <= last).sum()) - below
            below += count
            yield {
                "series": source.labels[str(generator)], "bucket": bucket, "place": place,
                "value": round(count * 100 / len(first), 3), "count": count,
            }  # fmt: skip


def _sampled(found: Sequence[tuple[Source, pd.DataFrame]]) -> str:
    parts = []
    for source, places in found:
        shown, there = places["query_id"].nunique(), len(source.queries)
        what = f"all {there:,} queries" if shown == there else f"an even sample of {shown:,} of {there:,} queries"
        parts.append(f"{source.name}: {what}" if source.name else what)
    return f"Over {'; '.join(dict.fromkeys(parts))}."


def _training(sources: Sequence[Source]) -> Iterator[Plot]:
    for number, (source, generator) in enumerate(
        (pair for source in sources for pair in ((source, g) for g in source.generators)), start=1
    ):
        lines = source.told("training", generator)
        for kind, wanted in (("losses", True), ("validation", False)):
            rows = [row for line in lines for row in _logged(line) if ("loss" in row["series"]) == wanted]
            if rows:
                title = f"Training of {source.labels[generator]}: {kind}"
                note = f"{len({row['step'] for row in rows}):,} logged steps."
                yield Plot(
                    f"training-{number}-{kind}", "training", title, note, plots.training(title, _thinned(rows))
                )


def _logged(line: Row) -> Iterator[Row]:
    for name, value in line.items():
        if name != "step" and isinstance(value, (int, float)) and math.isfinite(value):
            yield {"step": line["step"], "series": name, "value": value}


def _thinned(rows: list[Row], most: int = 2000) -> list[Row]:
    step = len(rows) // most + 1
    steps = set(list(dict.fromkeys(row["step"] for row in rows))[::step])
    return [row for row in rows if row["step"] in steps]
