"""Names of measures that are not computed here: what ir_measures takes them for, or what was meant."""

from __future__ import annotations

import re
from typing import Any

from bench.errors import MissingError, UsageError, shorten, suggestions, third_party_errors

_FORM = re.compile(r"([A-Za-z]+)(@.*)?")
_OWN = {kind.lower(): kind for kind in ("R", "P", "Acc", "nDCG", "MAP", "MRR", "Judged")}
_INTERCHANGED = 0.7
"""How alike 'ndgc' and 'ndcg' are for difflib, and a little less."""


def ir_measure(name: str) -> Any:
    """Let ir_measures parse a name. Raises UsageError for an unknown one, MissingError without it."""
    form = _FORM.fullmatch(name)
    kind, cut = (form[1], form[2] or "") if form else ("", "")
    if kind in _OWN.values() and not re.fullmatch("@[1-9][0-9]{0,8}", cut):
        raise UsageError(f"unknown measure {shorten(name)}: k in {kind}@k is a whole number from 1.")
    near = [f"{_OWN[word]}{cut}" for word in suggestions(kind.lower(), [*_OWN], 1, _INTERCHANGED)]
    hint = f" Did you mean {near[0]}?" if near else ""
    try:
        import ir_measures
    except ImportError as error:
        raise MissingError(
            f"measure {shorten(name)} is not computed here.{hint} Measures of ir_measures need that package. "
            "Install it with: pip install ir-measures."
        ) from error
    with third_party_errors(
        f"unknown measure {shorten(name)}.{hint} ir_measures says",
        UsageError,
        advice="Known are R@k, P@k, Acc@k, nDCG@k, MAP@k, MRR@k, Judged@k, the names of ir_measures, such as "
        "Bpref or P(rel=2)@10, and those of installed packages.",
    ):
        measure: Any = ir_measures.parse_measure(name)
        measure.validate_params()
        if measure.params.get("cutoff", 1) < 1:  # trec_eval would end the process
            raise ValueError("a cut-off is at least 1")
        return measure
