"""The Porter stemmer as Lucene has it: the published algorithm with its author's own two departures.

Source: M. F. Porter, "An algorithm for suffix stripping", Program 14(3), 1980; the departures (BLI for
ABLI, LOGI) and the leaving alone of words of one or two letters are those of his later C code, which
Lucene's PorterStemFilter follows. Snowball's "porter" has none of them, so it would rank differently.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

STEP_2 = {
    "ational": "ate", "tional": "tion", "enci": "ence", "anci": "ance", "izer": "ize", "bli": "ble",
    "alli": "al", "entli": "ent", "eli": "e", "ousli": "ous", "ization": "ize", "ation": "ate",
    "ator": "ate", "alism": "al", "iveness": "ive", "fulness": "ful", "ousness": "ous", "aliti": "al",
    "iviti": "ive", "biliti": "ble", "logi": "log",
}  # fmt: skip
STEP_3 = {
    "icate": "ic", "ative": "", "alize": "al", "iciti": "ic", "ical": "ic", "ful": "", "ness": "",
}  # fmt: skip
STEP_4 = (
    "al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent", "ion", "ou", "ism",
    "ate", "iti", "ous", "ive", "ize",
)  # fmt: skip


@lru_cache(maxsize=100_000)
def stem(word: str) -> str:
    """Return the stem of a lower-case word."""
    if len(word) <= 2:
        return word
    word = _plurals(word)
    word = _past(word)
    if word.endswith("y") and _has_vowel(word[:-1]):
        word = word[:-1] + "i"
    for endings in (STEP_2, STEP_3):
        ending = _longest(word, tuple(endings))
        if ending and _measure(word[: -len(ending)]) > 0:
            word = word[: -len(ending)] + endings[ending]
    return _final_e(_residue(word))


def _plurals(word: str) -> str:
    if word.endswith(("sses", "ies")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word


def _past(word: str) -> str:
    if word.endswith("eed"):
        return word[:-1] if _measure(word[:-3]) > 0 else word
    ending = _longest(word, ("ed", "ing"))
    if not ending or not _has_vowel(word[: -len(ending)]):
        return word
    word = word[: -len(ending)]
    if word.endswith(("at", "bl", "iz")):
        return word + "e"
    if _doubled(word):
        return word if word[-1] in "lsz" else word[:-1]
    return word + "e" if _measure(word) == 1 and _short_end(word) else word


def _residue(word: str) -> str:
    ending = _longest(word, STEP_4)
    stump = word[: -len(ending)] if ending else word
    if not ending or (ending == "ion" and not stump.endswith(("s", "t"))):
        return word
    return stump if _measure(stump) > 1 else word


def _final_e(word: str) -> str:
    if word.endswith("e"):
        measure = _measure(word[:-1])
        if measure > 1 or (measure == 1 and not _short_end(word[:-1])):
            word = word[:-1]
    return word[:-1] if word.endswith("ll") and _measure(word[:-1]) > 1 else word


def _longest(word: str, endings: tuple[str, ...]) -> str:
    return max((ending for ending in endings if word.endswith(ending)), key=len, default="")


def _consonants(word: str) -> list[bool]:
    found: list[bool] = []
    for letter in word:
        after_consonant = bool(found) and found[-1]
        found.append(not after_consonant if letter == "y" else letter not in "aeiou")
    return found


def _measure(word: str) -> int:
    """Return m of [C](VC)^m[V]: how often a vowel is followed by a consonant."""
    kinds = _consonants(word)
    return sum(1 for one, other in pairwise(kinds) if not one and other)


def _has_vowel(word: str) -> bool:
    return not all(_consonants(word))


def _doubled(word: str) -> bool:
    return len(word) > 1 and word[-1] == word[-2] and _consonants(word)[-1]


def _short_end(word: str) -> bool:
    """Tell of *o: consonant, vowel, consonant at the end, the last not w, x or y."""
    return len(word) > 2 and _consonants(word)[-3:] == [True, False, True] and word[-1] not in "wxy"
