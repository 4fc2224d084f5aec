"""Separate the text of a LaTeX cell from its macros: bold, underline, significance marks."""

from __future__ import annotations

import re

from bench.lint.readers.cell import CellText, strip_markup

_BOLD = re.compile(r"\\(?:textbf|mathbf|boldsymbol|bm|bfseries|bf)\b")
_UNDERLINE = re.compile(r"\\(?:underline|uline|ul)\b")
_WRAPPERS = (
    "textbf|mathbf|boldsymbol|bm|underline|uline|ul|textit|emph|textrm|textsf|texttt|textsc|mathrm|text|mathit"
    "|mbox|makecell|num|textnormal|ensuremath|shortstack|thead"
)
_WRAPPED = re.compile(rf"\\(?:{_WRAPPERS})\s*(?:\[[^\]]*\])?\{{([^{{}}]*)\}}")
_COLOURED = re.compile(
    r"\\textcolor(?:\[[^\]]*\])?\{[^{}]*\}\{([^{}]*)\}|\\colorbox\{[^{}]*\}\{([^{}]*)\}"
    r"|\\rotatebox(?:\[[^\]]*\])?\{[^{}]*\}\{([^{}]*)\}"
)
_DROPPED = re.compile(
    r"\\(?:cite[a-z]*|ref|label|footnotemark|footnote|cellcolor|color|tnote|vspace|hspace)"
    r"\*?(?:\[[^\]]*\])*(?:\{[^{}]*\})?"
    r"|\\(?:bfseries|bf|itshape|it|small|footnotesize|scriptsize|tiny|normalsize|phantom\{[^{}]*\}|hfill|quad|qquad"
    r"|left|right|centering|displaystyle|rm|em)\b"
)
_DAGGERS = (
    r"\*|†|‡|§|\\ast\b|\\star\b|\\dag(?:ger)?\b|\\ddag(?:ger)?\b|\\S\b|\\text(?:dagger|asteriskcentered)\b"
)
_SUPERSCRIPT = re.compile(rf"(?:\^|\\textsuperscript)\s*(?:\{{(?:\s|{_DAGGERS})+\}}|(?:{_DAGGERS}))")
_BESIDE = re.compile(r"(?<=\d)(?=\\[a-zA-Z]|\{\d)(?!\\pm\b)")
"""Where a macro or a group follows a digit: what it holds is no part of that number."""
_BROKEN = re.compile(r"\\\\\*?(?:\[[^\]]*\])?")
"""The end of a line inside a cell, as in \\makecell."""
_MACRO = re.compile(r"\\([a-zA-Z]+)\s?")
_PLAIN = {
    "\\%": "%", "\\,": "\u2009", "\\;": "\u2009", "\\!": "", "\\:": "\u2009", "\\ ": " ",
    "\\#": "#", "\\_": "_",
    "\\&": "&", "~": " ", "{,}": ",", "\\rightarrow": "→", "\\to ": "→",
    "\\pm": "±", "\\uparrow": "↑", "\\downarrow": "↓", "\\Delta": "Δ",
    "\\textendash": "–",
    "\\textemdash": "—", "\\checkmark": "✓", "\\times": "×", "\\alpha": "α",
}  # fmt: skip


class UnknownMacroError(ValueError):
    """An unknown macro stands in a cell that holds a number."""


def mask(text: str) -> str:
    """Return the text with everything inside braces blanked, so that separators there do not count."""
    depth, out, escaped = 0, [], False
    for char in text:
        depth -= char == "}" and not escaped
        out.append("\0" if depth > 0 else char)
        depth += char == "{" and not escaped
        escaped = char == "\\" and not escaped
    return "".join(out)


def braced(text: str, at: int) -> tuple[str, int]:
    """Return what the braces opening at ``at`` hold and the place after them."""
    depth = 0
    for i in range(at, len(text)):
        depth += (text[i] == "{") - (text[i] == "}")
        if depth == 0 and i > at:
            return text[at + 1 : i], i + 1
    return text[at + 1 :], len(text)


def strip_latex(raw: str) -> CellText:
    """Return the plain text of a LaTeX cell and its marks.

    Raises UnknownMacroError where an unknown macro stands beside digits; in a cell of words an unknown
    macro is taken as a word.
    """
    bold, underline = bool(_BOLD.search(raw)), bool(_UNDERLINE.search(raw))
    starred = bool(_SUPERSCRIPT.search(raw))
    text = _BROKEN.sub(" ", _SUPERSCRIPT.sub("", raw))
    for tex, plain in _PLAIN.items():
        text = text.replace(tex, plain)
    text = _unwrap(_DROPPED.sub("", _BESIDE.sub(" ", text)))
    text = re.sub(rf"(?:{_DAGGERS})(?=\W*$)", "*", text)
    text = re.sub(r"(?<!\\)[{}$]|\\[()]", "", text)
    if (
        (found := _MACRO.search(text))
        and re.search(r"\d", text)
        and not re.search(r"[a-zA-Z]{2}", _MACRO.sub("", text))
    ):
        raise UnknownMacroError(f"unknown macro '\\{found[1]}'")
    left = strip_markup(_MACRO.sub(r"\1 ", text).replace("---", "—").replace("--", "–"))
    return CellText(left.text, bold, underline, starred or left.starred)


def _unwrap(text: str) -> str:
    """Replace wrappers by what they wrap, from the inside out."""
    while True:
        unwrapped = _COLOURED.sub(lambda m: m[1] or m[2] or m[3] or "", _WRAPPED.sub(r"\1", text))
        if unwrapped == text:
            return text
        text = unwrapped
