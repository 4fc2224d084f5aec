"""English function words, which name nothing."""

from __future__ import annotations

_WORDS = """
    a an the this that these those some any each every no
    i me my mine we us our you your yours he him his she her it its they them their one
    and or but nor so if than then as because while
    of in on at by for from to into onto with without about over under up down out off between
    through after before
    am is are was were be been being do does did doing done have has had having
    can could will would shall should may might must
    what which who whom whose when where why how
    not only very too just also more most much many
    i'm it's don't let's
    """
STOP_WORDS = frozenset(_WORDS.split())
"""English function words: closed classes only, and the words that ask."""
