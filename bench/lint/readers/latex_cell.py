"""Separate the text of a LaTeX cell from its macros: bold, underline, significance marks.

A cell is read token by token, once, with a stack for its groups: the time grows with its length, however
deeply it nests.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from bench.lint.readers.cell import UNREADABLE, CellText, strip_markup

MAX_SOURCE = 4000
"""Characters of a cell that are looked at."""

_TOKEN = re.compile(r"\\[a-zA-Z]+\*?|\\.|[{}$^_~&]|---?|[^\\{}$^_~&\-]+|-", re.S)
_OPTION = re.compile(r"\s{0,9}\[[^\[\]]{0,200}\]")
KEEP, DROP, RAISE, LOWER = "keep", "drop", "raise", "lower"


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_BOLD = _names("textbf mathbf boldsymbol bm bfseries bf pmb")
_UNDERLINE = _names("underline uline ul underbar")
_KEEP = _names(
    "textbf mathbf boldsymbol bm pmb underline uline ul underbar textit emph textrm textsf texttt textsc"
    " mathrm text mathit mbox hbox makecell num textnormal ensuremath shortstack thead rlap llap mathrlap"
    " fbox textup textmd textsl mathsf mathtt small tablenum ang"
)
_DROP = _names(
    "cite citep citet citealp citealt citeauthor citeyear ref cref Cref autoref eqref label footnotemark"
    " footnote footnotetext cellcolor rowcolor color tnote vspace hspace phantom hphantom vphantom fontsize"
)
_ARGUMENTS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(_KEEP, (KEEP,)),
    **dict.fromkeys(_DROP, (DROP,)),
    **dict.fromkeys(("SI", "qty"), (KEEP, KEEP)),
    **dict.fromkeys(
        ("textcolor", "colorbox", "rotatebox", "raisebox", "scalebox", "href", "hyperlink"), (DROP, KEEP)
    ),
    **dict.fromkeys(("resizebox", "fcolorbox", "multirow"), (DROP, DROP, KEEP)),
    **dict.fromkeys(("rule", "parbox"), (DROP, DROP)),
    "textsuperscript": (RAISE,),
    "textsubscript": (LOWER,),
}
"""What is done with the arguments of a macro."""
_IGNORED = _names(
    "bfseries bf itshape it small footnotesize scriptsize tiny normalsize large hfill quad qquad left right"
    " centering displaystyle textstyle rm em sf tt limits nolimits selectfont raggedright raggedleft strut"
    " arraybackslash noindent relax boldmath unboldmath sffamily rmfamily ttfamily mdseries scriptstyle"
    " scriptscriptstyle"
)

_SYMBOLS = {
    "\\%": "%", "\\,": "\u2009", "\\;": "\u2009", "\\!": "", "\\:": "\u2009", "\\ ": " ",
    "\\/": "", "\\-": "",
    "\\#": "#", "\\_": "_", "\\&": "&", "\\$": "$", "\\{": "{", "\\}": "}", "\\\\": " ", "\\(": "", "\\)": "",
    "\\rightarrow": "→", "\\to": "→", "\\leftarrow": "←", "\\pm": "±", "\\uparrow": "↑", "\\downarrow": "↓",
    "\\Delta": "Δ", "\\textendash": "–", "\\textemdash": "—", "\\checkmark": "✓", "\\times": "×",
    "\\alpha": "α", "\\beta": "β", "\\percent": "%", "\\textpm": "±", "\\textuparrow": "↑", "\\xmark": "✗",
    "\\textdownarrow": "↓", "\\cmark": "✓", "\\textpercent": "%", "\\thinspace": "\u2009",
    "\\ldots": "…", "\\dots": "…",
    "\\ast": "*", "\\star": "*", "\\dag": "†", "\\dagger": "†", "\\ddag": "‡", "\\ddagger": "‡", "\\S": "§",
    "\\textdagger": "†", "\\textdaggerdbl": "‡", "\\textasteriskcentered": "*", "\\P": "¶", "\\bullet": "*",
    "\\blacktriangle": "▲", "\\triangle": "△", "\\blacktriangledown": "▼", "\\triangledown": "▽",
    "\\diamond": "*",
    "\\circ": "*", "\\prime": "*", "\\bigtriangleup": "△", "\\dashuparrow": "↑",
    "~": " ", "---": "—", "--": "–", "$": "", "&": "&",
}  # fmt: skip
_MARKS = re.compile(r"[\s,]*(?:[*†‡§¶▲△▼▽a-zA-Z]{1,12}[\s,]*)*")
_FRACTION = re.compile(r"\d[.,]\d+\s?%?\s?$")
_DEFINITION = re.compile(
    r"\\(?:re)?newcommand\*?\s{0,9}\{?\\(?P<name>[a-zA-Z]{1,40})\}?\s{0,9}(?:\[(?P<count>\d)\])?\s{0,9}(?=\{)"
    r"|\\def\s{0,9}\\(?P<def>[a-zA-Z]{1,40})\s{0,9}(?P<places>(?:#\d){0,9})(?=\{)"
)
_FIGURE = re.compile(r"[\s,]*(?:[+\-−–]?\d[\d.,\s]*%?)?")


def mask(text: str) -> str:
    """Blank everything inside braces, so that separators in them do not count."""
    depth, out, escaped = 0, [], False
    for char in text:
        depth -= char == "}" and not escaped and depth > 0
        out.append("\0" if depth > 0 else char)
        depth += char == "{" and not escaped
        escaped = char == "\\" and not escaped
    return "".join(out)


def braced(text: str, at: int) -> tuple[str, int]:
    """Extract what the braces opening at ``at`` enclose, and the place after them."""
    depth = 0
    for i in range(at, len(text)):
        depth += (text[i] == "{") - (text[i] == "}")
        if depth == 0 and i > at:
            return text[at + 1 : i], i + 1
    return text[at + 1 :], len(text)


def definitions(plain: str) -> dict[str, tuple[int, str]]:
    """Collect the macros that the file defines, each with its number of arguments and its text."""
    return {
        match["name"] or match["def"]: (
            int(match["count"] or len(match["places"] or "") // 2),
            braced(plain[: match.end() + 1000], match.end())[0],
        )
        for match in _DEFINITION.finditer(plain)
    }


def strip_latex(raw: str, remedy: str = "Write the number itself") -> CellText:
    """Reduce a LaTeX cell to plain text and its marks.

    A cell where an unknown macro stands beside digits is unreadable, and its text says why, with the
    remedy; in a cell of words an unknown macro is taken as a word.
    """
    cell = _Cell()
    text = cell.read(raw[:MAX_SOURCE])
    if cell.unknown and re.search(r"\d", text) and not re.search(r"[a-zA-Z]{2}", cell.without_macros(text)):
        macro = f"unknown macro '\\{cell.unknown[0]}' in '{raw.strip()[:80]}'"
        return CellText(f"{UNREADABLE}{macro}: it may change the number. {remedy}")
    plain = strip_markup(text.replace("\0", ""))
    return CellText(plain.text, cell.bold, cell.underline, cell.starred or plain.starred)


@dataclass
class _Group:
    """An open group: what is done with its text, and the text so far."""

    mode: str
    parts: list[str] = field(default_factory=list)


@dataclass
class _Cell:
    """The state of reading one cell."""

    bold: bool = False
    underline: bool = False
    starred: bool = False
    unknown: list[str] = field(default_factory=list)
    groups: list[_Group] = field(default_factory=lambda: [_Group(KEEP)])
    pending: list[str] = field(default_factory=list)
    """What is to be done with the next arguments of a macro."""

    def read(self, raw: str) -> str:
        at = 0
        while match := _TOKEN.match(raw, at):
            token, at = match[0], match.end()
            if token[0] == "\\" and token[1:2].isalpha():
                at = self._macro(token, raw, at)
            elif token == "{":
                at = self._open(raw, at)
            elif token == "}":
                self._close()
            elif token in "^_":
                self.pending = [RAISE if token == "^" else LOWER]
            elif token.isspace() and self.pending:
                continue  # between a macro and its argument
            else:
                self._text(token)
        while len(self.groups) > 1:
            self._close()
        return "".join(self.groups[0].parts)

    def without_macros(self, text: str) -> str:
        """Remove the names of unknown macros, which are marked with NUL signs, from the text."""
        return re.sub("\0[^\0]*\0", "", text)

    def _macro(self, token: str, raw: str, at: int) -> int:
        name = token[1:].rstrip("*")
        self.bold |= name in _BOLD and not self._dropped()
        self.underline |= name in _UNDERLINE and not self._dropped()
        if name in _ARGUMENTS:
            self._separate()
            self.pending = [*_ARGUMENTS[name], *self.pending[1:]]
            while match := _OPTION.match(raw, at):
                at = match.end()
        elif f"\\{name}" in _SYMBOLS:
            self._text(f"\\{name}")
            at += raw[at : at + 1] == " "
        elif name in _IGNORED:
            self._separate()
        else:
            self._separate()
            self.unknown += [name] if not self._dropped() else []
            self.groups[-1].parts.append(f"\0{name} \0")
        return at

    def _open(self, raw: str, at: int) -> int:
        if raw.startswith(",}", at):  # 1{,}234: a comma that is no separator of maths
            self._text(",")
            return at + 2
        if not self.pending and raw[at : at + 1].isdigit():
            self._separate()
        self.groups.append(_Group(self.pending.pop(0) if self.pending else KEEP))
        return at

    def _close(self) -> None:
        if len(self.groups) > 1:
            group = self.groups.pop()
            self._add(group.mode, "".join(group.parts))

    def _text(self, token: str) -> None:
        text = _SYMBOLS.get(token, token)
        if self.pending and self.pending[0] in (RAISE, LOWER):  # an argument without braces is one sign
            self._add(self.pending.pop(0), text[:1])
            text = text[1:]
        self.pending = []
        self.groups[-1].parts.append(text)

    def _add(self, mode: str, text: str) -> None:
        parts = self.groups[-1].parts
        if mode == KEEP:
            parts.append(text)
        elif mode != DROP and not (mode == RAISE and _MARKS.fullmatch(text[:200])):
            self._add_script("^" if mode == RAISE else "_", text)
        elif mode == RAISE and not self._dropped():
            self.starred |= bool(text.strip())

    def _add_script(self, sign: str, text: str) -> None:
        """Add a superscript or subscript; beside a fraction a figure is a spread or a mark, no digit."""
        parts = self.groups[-1].parts
        before = "".join(parts[-6:])[-40:]
        if "±" in text:
            parts.append(f" {text}")
        elif _FRACTION.search(before) and _FIGURE.fullmatch(text[:60]) and (sign == "^" or "." in text):
            parts.append(f" ±{text}" if "." in text else "")
        else:
            parts.append(sign + text)

    def _separate(self) -> None:
        """Keep what a macro or a group holds apart from the digit before it."""
        parts = self.groups[-1].parts
        if parts and parts[-1][-1:].isdigit():
            parts.append(" ")

    def _dropped(self) -> bool:
        return any(group.mode == DROP for group in self.groups[-3:])
