"""Each rule finds what breaks it, and none raises an alarm over rounding."""

from __future__ import annotations

import random
from collections.abc import Sequence
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.lint.granularity import smallest_n
from bench.lint.readers.csv import long_table, parse_records, wide_grid
from bench.lint.readers.latex import parse_grids
from bench.lint.readers.number import Printed
from bench.lint.readers.rows import to_tables
from bench.lint.report import lint_table, notes
from bench.lint.table import Column, Entry, Row, Scale, Table

CUTS = (1, 5, 10, 30)


def table(text: str) -> Table:
    (made,) = to_tables(wide_grid(parse_records(text, "t.csv"), "t.csv"))
    return made


def broken(text: str, n: int | None = None) -> set[tuple[str, str]]:
    return {(v.cell, v.rule) for v in lint_table(table(text), n=n)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Model,R@1,R@5\nA,20.02,20.00", ("A, R@5", "never-falls")),
        ("Model,Acc@5,Acc@10\nA,20.02,20.00", ("A, Acc@10", "never-falls")),
        ("Model,P@1,Acc@5\nA,20.02,20.00", ("A, Acc@5", "never-falls")),
        ("Model,P@1,Acc@1\nA,20.02,20.00", ("A, Acc@1", "acc1-is-p1")),
        ("Model,P@5,Acc@5\nA,4.00,20.04", ("A, Acc@5", "acc-within-hits")),
        ("Model,P@2,Acc@2\nA,4.00,8.02", ("A, Acc@2", "acc-within-hits")),
        ("Model,P@5,Acc@5\nA,40.00,20.03", ("A, Acc@5", "precision-within-acc")),
        ("Model,P@1,P@5\nA,40.00,7.98", ("A, P@5", "hits-never-fall")),
        ("Model,R@5,Acc@5\nA,40.02,40.00", ("A, R@5", "recall-within-acc")),
        ("Model,R@1,P@1\nA,40.02,40.00", ("A, R@1", "recall-within-acc")),
        ("Model,R@5,P@5\nA,50.00,5.00", ("A, R@5", "recall-within-hits")),
        ("Model,R@5,P@5\nA,20.04,4.00", ("A, R@5", "recall-within-hits")),
        ("Model,R@1,P@1,R@5,P@5\nA,1.00,2.00,20.04,4.00", ("A, R@5", "recall-within-hits")),
        ("Model,R@5,P@5,Acc@5\nA,20.04,4.00,20.04", ("A, Acc@5", "acc-within-hits")),
        ("Model,R@1\nA,100.02", ("A, R@1", "bounds")),
        ("Model,R@1\nA,100.000000002", ("A, R@1", "bounds")),
        ("Model,CIDEr\nA,1000.02", ("A, CIDEr", "bounds")),
        ("Model,CIDEr\nA,-0.02", ("A, CIDEr", "bounds")),
        ("Data,Train,Val,Test,Total\nA,10,2,3,16", ("A, Total", "sums")),
        ("Data,Train,Val,Test,Total\nA,10,2,3,9", ("A, Total", "sums")),
        ("Data,Train,Test,Total\nA,10,3,14", ("A, Total", "sums")),
        ("Data,Train,Val,Test,Total\nA,10,2,3,-\nB,10,2,3,16", ("B, Total", "sums")),
        ("Data,Train,Val,Test,Total\nA,10,2,3,10\nB,10,2,3,16", ("B, Total", "sums")),
        ("Model,R@1\nA,10.00\nB,11.00\nImprovement (%),10.20", ("Improvement (%), R@1", "improvement")),
        ("Model,R@1\nA,**10.00**\nB,10.02", ("A, R@1", "bold")),
        ("Model,R@1\nA,<u>10.00</u>\nB,10.02\nC,**11.00**", ("A, R@1", "underline")),
        ("Model,R@1\nA,**10.00**\nB† (large),10.02", ("A, R@1", "bold")),
        ("Data,Train,Val,Total,R@1\nA,9,2,11,**10.00**\nB,9,2,11,10.02", ("A, R@1", "bold")),
    ],
)
def test_a_broken_rule_is_reported(text: str, expected: tuple[str, str]) -> None:
    assert broken(text + "\n") == {expected}


@pytest.mark.parametrize(
    "text",
    [
        "Model,R@1,R@5\nA,20.01,20.00",  # both may be 20.005
        "Model,Acc@5,Acc@10\nA,20.01,20.00",
        "Model,P@1,Acc@1\nA,20.01,20.00",
        "Model,P@1,Acc@1\nA,20.00,20.01",
        "Model,P@5,Acc@5\nA,20.01,20.00",
        "Model,P@5,Acc@5\nA,4.00,20.02",  # 5 x 4.005 = 20.025
        "Model,P@1,P@5\nA,40.02,8.00",
        "Model,P@1,P@5\nA,40.03,8.00",  # 5 x 8.005 = 40.025
        "Model,R@5,Acc@5\nA,40.01,40.00",
        "Model,R@1\nA,100.00",
        "Model,R@1\nA,100.000000001",  # the error of a sum of floats
        "Model,R@5,P@5\nA,20.03,4.00",  # 5 x 4.005 = 20.025
        "Model,R@5,P@10\nA,50.00,5.00",
        "Model,CIDEr\nA,226.24",
        "Model,CIDEr\nA,1000.00",
        "Model,CIDEr\nA,10.00",
        "Data,Train,Val,Test,Total\nA,10,2,3,15",
        "Data,Train,Val,Test,Total\nA,10,2,3,13",  # the same query in two parts
        "Data,Train,Val,Test,Total\nA,10,0,3,13",  # an empty part
        "Data,Train,Val,Test,Total\nA,10,-,-,15",  # the other parts are not printed
        "Model,R@1\nA,10.00\nB,11.00\nImprovement (%),10.05",
        "Model,R@1\nA,10.00\nB,11.00\nC,9.00\nImprovement (%),10.00",  # best over second best
        "Model,R@1\nA,10.00\nB,10.50\nC,11.00\nImprovement over A (%),10.00",
        "Model,R@1\nA,**10.00**\nB,10.01",
        "Model,R@1\nA,**10.00**\nOracle,99.00",
        "Model,R@1\nA,**10.00**\nHuman,99.00\nUpper bound,99.00\nupper-bound,99.00\nGround truth,99.00\n"
        "ground-truth,99.00\nTranscript,99.00\nReferences,99.00\nTopline,99.00\nB†,99.00\nC‡,99.00\nD§,99.00",
        "Model,R@1\nA,**12.00**\nB,<u>10.00</u>\nC,10.01",
        "Model,R@1\nA,**12.00**\nB,<u>10.00</u>\nHuman,11.00",
        "Model,R@1\nA,**10.00**\nB,**10.50**",  # a tied group
        "Model,R@1\n**A**,**10.00**\nB,10.50",  # a row set off, not a mark of the best
        "Model,R@1\nA,<u>10.00</u>\nB,9.00\nC,11.00",  # underlined: the strongest baseline
        "Model,B-1,B-2\nA,10.00,11.00",  # BLEU-2 above BLEU-1 is possible
    ],
)
def test_what_rounding_or_another_custom_explains_is_no_violation(text: str) -> None:
    assert broken(text + "\n") == set()


AB = "Model,R@1\nA,10.00\nB,11.00\n"
FOO = "Model,R@1\nFoo,10.00\nBar,10.50\nOurs,11.00\n"


@pytest.mark.parametrize(
    ("text", "label"),
    [
        (f"{AB}Improvement (%),9.88", "Improvement (%)"),
        (f"{AB}Improvement (%),10.12", "Improvement (%)"),
        (f"{AB}Improvement (%),1.00", "Improvement (%)"),  # the difference: in percent it is 10
        (f"{AB}Improvement,10.20%", "Improvement"),
        (f"{AB}Gain,1.00\nImprovement (%),10.20", "Improvement (%)"),
        (f"{AB}Improvement,1.00%\nImprovement (%),10.20", "Improvement (%)"),
        ("Model,R@1\nA,0.1000\nB,0.1100\nImprovement (%),10.20", "Improvement (%)"),
        # a sign of percent marks a gain where fewer than half of the scores have one
        ("Model,R@1\nA,5%\nB,6%\nC,9.00\nD,10.00\nE,11.00\nImprovement,10.20%", "Improvement"),
        ("Model,R@1\nA,10.00\nAX,10.50\nC,11.00\nImprovement over AX (%),10.00", "Improvement over AX (%)"),
        (f"{AB}ΔB (%),+5.00", "ΔB (%)"),
        (f"{FOO}Improvement over the Bar (%),10.00", "Improvement over the Bar (%)"),
        (f"{FOO}Improvement over the baseline (%),10.20", "Improvement over the baseline (%)"),
    ],
)
def test_a_wrong_gain_is_found(text: str, label: str) -> None:
    assert broken(text + "\n") == {(f"{label}, R@1", "improvement")}


@pytest.mark.parametrize(
    "text",
    [
        f"{AB}Improvement (%),9.90",
        f"{AB}Improvement (%),10.11",
        "Model,R@1\nA,0.2\nB,0.3363\nImprovement (%),34",  # 0.33625 / 0.25 is 34.5 % more
        "Model,R@1\nA,0.2\nB,0.3517\nImprovement (%),135",  # 0.35175 / 0.15 is 134.5 % more
        "Model,R@1\nA,0.000000001\nB,0.5\nImprovement (%),10.00",  # over what may be 0: any gain
        f"{AB}C,12.3.4\nImprovement (%),10.20",  # the unread score may be the one that is compared
        f"{AB}Improvement,1.00%",  # percent points
        "Model,R@1\nA,5%\nB,6%\nC,10.00\nD,11.00\nImprovement,10.20%",
        f"{AB}Improvement over A,5.00",  # of what unit?
        f"{AB}Again (%),+5.00",  # signed, but not called a gain
        f"{AB}Gainful (%),+5.00",
        "Model,R@1\nImprovement (%),99.00\nA,10.00\nB,11.00",  # over nothing above it
        "Model,R@1\nA,10.00\nB,12.00\nC,11.00\nImprovement (%),-8.33",
        "Model,R@1\nFoo,10.00\nBest,12.00\nOurs,11.00\nImprovement over Foo (%),20.00",
        "Retriever,Model,R@1\nX,A,10.00\nX,B,50.00\nX,Improvement (%),400.00\n"
        "Y,A,30.00\nY,B,33.00\nY,Improvement (%),10.00",
    ],
)
def test_a_gain_that_some_reading_explains_is_no_violation(text: str) -> None:
    assert broken(text + "\n") == set()


PLAIN_NAMES = ("Delta", "Gain", "gains", "Increase", "LIFT", "Change", "Changes", "Difference", "Diff")
NOUNS = (*PLAIN_NAMES, "Improvement", "improvements", "Impr.", "Imprv.", "Impro.", "Improv", "Uplift")


@pytest.mark.parametrize(
    "label",
    [
        *NOUNS, "Diff.", "Δ", "∆", "Δ (B - A)", "% Δ",
        "Relative gain", "Rel. gain", "rel gain", "Absolute gain", "Abs. gain", "Avg. gain", "Average gain",
        "Mean gain", "Our gain", "Total gain", "% gain", "Our avg. rel. gain",
        "Gain %", "Gain pct", "Gain pct.", "Gain percent", "Gain (in %)", "Gain [%]", "Gain (%) of B",
        "Gain (B) %", "Gain over A", "Gain vs A", "Gain vs. A", "Gain against A", "Gain to A",
        "Gain w.r.t. A", "Gain wrt A", "Gain of B",
        "Gain (B over A in percent)", "Gain over the strongest of the baselines",
    ],
)  # fmt: skip
def test_the_names_of_gains(label: str) -> None:
    assert broken(f"{AB}{label},10.20%\n") == {(f"{label}, R@1", "improvement")}


@pytest.mark.parametrize(
    "label", ["Relative gain", "REL. gain", "Gain (%)", "Gain pct.", "Gain Percent", "% gain"]
)
def test_the_names_of_gains_in_percent(label: str) -> None:
    assert broken(f"{AB}{label},10.20\n") == {(f"{label}, R@1", "improvement")}


@pytest.mark.parametrize("word", ["over", "Over", "vs", "vs.", "against", "to", "w.r.t.", "wrt"])
def test_the_names_of_what_a_gain_is_over(word: str) -> None:
    assert broken(f"{FOO}Gain {word} Foo,10.00%\n") == set()


@pytest.mark.parametrize(
    "label",
    ["Improved RAG", "Delta network", "Gainful", "Again", "Our own very special gain", "Gain on B", "Shift"],
)
def test_other_names_are_those_of_systems(label: str) -> None:
    assert broken(f"Model,R@1\nA,**10.00**\nB,9.00\n{label},12.00\n") == {("A, R@1", "bold")}


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("Model,R@1\nA,**10.00**\nB,9.00\nDelta,12.00", "A, R@1"),
        *((f"Model,R@1\nA,**10.00**\n{name},12.00", "A, R@1") for name in PLAIN_NAMES),
        ("Model,R@1\nA,10.00\nGain,**5.00**", "Gain, R@1"),  # 10 - 5 = 5 is no difference of others
    ],
)
def test_a_system_called_as_a_gain_is_compared_as_a_system(text: str, cell: str) -> None:
    assert broken(text + "\n") == {(cell, "bold")}


@pytest.mark.parametrize(
    "text",
    [
        "Model,R@1\nA,**10.00**\nB,9.00\nImprovement over B,11.11",
        "Model,R@1\nA,**2.00**\nDelta,+3.00",
        # as scores these would fall from R@1 to R@5
        "Model,R@1,R@5\nA,10.00,20.00\nB,20.00,29.00\nC,5.00,6.00\nGain,10.00,9.00",
        "Model,R@1,R@5\nA,20.0,20.0\nB,10.00,10.00\nGain,10.06,9.94",
    ],
)
def test_a_row_of_differences_is_not_compared_as_a_system(text: str) -> None:
    assert broken(text + "\n") == set()


def test_a_gain_that_does_not_say_percent_is_noted_and_not_checked() -> None:
    made = table("Model,R@1\nA,10.00\nB,11.00\nGain,1.00\n")
    assert lint_table(made) == []
    assert "Gain: not marked as percent, not checked" in notes(made)
    assert not any("not checked" in note for note in notes(table(f"{AB}Improvement (%),10.00\n")))
    assert "B - A: not marked as percent, not checked" in notes(table(f"{AB}B - A,+5.00%\n"))


def test_a_value_above_1_among_fractions_is_noted() -> None:
    text = "Model,R@1,R@5,R@10\nA,0.10,0.20,{}\nB,0.05,0.15,0.25\nC,0.02,0.08,0.90\n"
    note = "1 of 9 values above 1 (first A, R@10: 3.00): an error if the others are fractions"
    assert note in notes(table(text.format("3.00")))
    assert not any(
        "above 1" in note for text_of in ("0.30", "30%") for note in notes(table(text.format(text_of)))
    )
    several = "Model,R@1,R@5,R@10\nA,0.10,1.20,3.00\nB,0.05,0.15,2.25\nC,0.02,0.08,0.90\n"
    assert not any("above 1" in note for note in notes(table(several)))


@pytest.mark.parametrize("label", ["Average", "avg.", "Mean", "Macro average"])
def test_a_row_that_averages_others_has_other_steps_than_a_mean_over_queries(label: str) -> None:
    rows = f"Model,P@1,Acc@5\nA,10.00,20.00\nB,20.00,30.00\n{label},{{}},25.00\n"
    assert broken(rows.format("15.00"), n=10) == set()
    assert broken(rows.format("26.00"), n=10) == {(f"{label}, Acc@5", "never-falls")}
    assert broken(rows.format("15.00").replace(label, "Averaging"), n=10) == {
        ("Averaging, P@1", "granularity"),
        ("Averaging, Acc@5", "granularity"),
    }
    assert smallest_n(table("Model,P@1,P@5\nA,10.0,5.0\nB,20.0,4.0\nMean,15.0,4.5\n")) == smallest_n(
        table("Model,P@1,P@5\nA,10.0,5.0\nB,20.0,4.0\n")
    )


def test_fractions_keep_the_same_rules() -> None:
    text = "Model,R@1,R@5,P@1\nA,0.2000,0.1990,0.1000\n"
    assert table(text).scales == {"R": Scale.FRACTION, "P": Scale.FRACTION}
    assert broken(text) == {("A, R@5", "never-falls"), ("A, R@1", "recall-within-acc")}


def test_blocks_between_rules_are_compared_by_themselves_only_where_each_has_bold() -> None:
    body = "Model & R@1 \\\\ \\midrule\nA & {a} \\\\\nB & 8.0 \\\\ \\midrule\nC & {c} \\\\\nD & 10.0 \\\\\n"
    tex = "\\begin{{tabular}}{{lc}}\n" + body + "\\end{{tabular}}"

    def rules(a: str, c: str) -> list[str]:
        (grid,) = parse_grids(tex.format(a=a, c=c), "t.tex")
        (read,) = to_tables(grid)
        return [v.rule for v in lint_table(read)]

    assert rules("\\textbf{9.0}", "\\textbf{12.0}") == []
    assert rules("\\textbf{9.0}", "12.0") == ["bold"]


def across(*rows: Sequence[str]) -> Table:
    """Build a table of R@1 under the groups X and Y: ``*`` before a value is bold, none is no value."""
    made = []
    for index, cells in enumerate(rows, 1):
        for group, cell in zip("XY", cells, strict=True):
            if cell:
                number = Printed(cell, Decimal(cell.strip("*")), Decimal("0.005"))
                entries = {Column("R", 1): Entry(number, bold=cell.startswith("*"))}
                made.append(Row(f"{index}", entries, group=group, index=index))
    return Table("t", tuple(made))


@pytest.mark.parametrize(
    ("rows", "cells"),
    [
        ([("*10.00", "9.00"), ("20.00", "*21.00"), ("5.00", "")], []),  # the best of each row
        ([("*10.00", "11.00"), ("*20.00", "12.00")], ["X/1"]),  # so here: Y has no bold value
        ([("*10.00", "11.00"), ("9.00", "*8.00")], ["Y/2"]),  # the best of each column: less is wrong then
        ([("*10.00", "9.00"), ("12.00", "*11.00")], ["X/1"]),  # as much is wrong either way: columns
    ],
)
def test_bold_is_read_along_rows_or_columns_by_what_it_breaks(
    rows: list[tuple[str, str]], cells: list[str]
) -> None:
    assert [v.cell for v in lint_table(across(*rows))] == [f"{cell}, R@1" for cell in cells]


def printed(rows: Sequence[Sequence[float]], digits: int = 2) -> str:
    header = ["Model", *(f"{family}@{k}" for family in ("R", "P", "Acc") for k in CUTS)]
    lines = [
        ",".join([f"M{i}", *(f"{100 * value:.{digits}f}" for value in row)]) for i, row in enumerate(rows)
    ]
    return "\n".join([",".join(header), *lines]) + "\n"


def metrics(seed: int, queries: int, pool: int) -> list[float]:
    """Score random rankings by the definitions; nothing of the package is used."""
    draw = random.Random(seed)
    sums = dict.fromkeys(((f, k) for f in ("R", "P", "Acc") for k in CUTS), 0.0)
    for _ in range(queries):
        relevant = draw.randint(1, 4)
        depth = draw.randint(0, pool)
        places = [place for place in draw.sample(range(pool), relevant) if place < depth]
        for k in CUTS:
            hits = sum(place < k for place in places)
            sums["R", k] += hits / relevant / queries
            sums["P", k] += hits / k / queries
            sums["Acc", k] += (hits > 0) / queries
    return list(sums.values())


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 60), st.integers(4, 60), st.integers(0, 2))
def test_rounded_scores_of_real_rankings_raise_no_alarm(
    seed: int, queries: int, pool: int, digits: int
) -> None:
    text = printed([metrics(seed, queries, pool), metrics(seed + 1, queries, pool)], digits)
    assert broken(text, n=queries) == set()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 60), st.integers(4, 60))
def test_full_precision_scores_of_real_rankings_raise_no_alarm(seed: int, queries: int, pool: int) -> None:
    names = [f"{family}@{k}" for family in ("R", "P", "Acc") for k in CUTS]
    values = metrics(seed, queries, pool)
    lines = [f"a,bm25,{name},{value!r},{queries},0" for name, value in zip(names, values, strict=True)]
    made = long_table(
        parse_records("\n".join(["generator,retriever,metric,value,n,seed", *lines]), "s.csv"), "s.csv"
    )
    assert lint_table(made) == []


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 3), st.integers(0, 2))
def test_a_planted_fall_of_recall_is_found(seed: int, row: int, at: int) -> None:
    rows = [metrics(seed + i, 40, 40) for i in range(4)]
    if rows[row][at] < 0.001:
        rows[row][at] += 0.01
    rows[row][at + 1] = rows[row][at] - 0.0003
    assert (f"M{row}, R@{CUTS[at + 1]}", "never-falls") in broken(printed(rows))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 3))
def test_a_planted_accuracy_above_the_hits_is_found(seed: int, at: int) -> None:
    row = metrics(seed, 40, 40)
    row[8 + at] = row[4 + at] * CUTS[at] + 0.0001 * (CUTS[at] + 2)
    assert (f"M0, Acc@{CUTS[at]}", "acc-within-hits") in broken(printed([row]))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 90))
def test_the_smallest_n_never_exceeds_the_true_one(seed: int, queries: int) -> None:
    made = table(printed([metrics(seed + i, queries, 40) for i in range(3)]))
    smallest = smallest_n(made)
    assert smallest is not None
    n, count, chance = smallest
    assert n <= queries
    assert count == 15
    assert 0 < chance <= 1


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(7, 90))
def test_a_share_that_n_queries_cannot_give_is_found(seed: int, n: int) -> None:
    number = random.Random(seed).randint(0, n - 1) / n + 0.5 / n
    assert broken(f"Model,P@1\nA,{100 * number:.3f}%\n", n=n) == {("A, P@1", "granularity")}


def test_digits_that_say_little_about_n_get_no_note() -> None:
    assert not any("smallest number" in note for note in notes(table("Model,P@1\nA,71.2\nB,70.0\n")))
    many = "".join(f"M{i},{100 * i / 40:.2f}\n" for i in range(2, 30))
    assert any(": 40 " in note for note in notes(table(f"Model,P@1\n{many}")))
