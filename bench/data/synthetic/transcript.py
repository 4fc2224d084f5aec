"""What is said in a video, as speech recognition writes it: no punctuation, with hesitations."""

from __future__ import annotations

from collections.abc import Sequence

from bench.data.synthetic.options import SynthOptions
from bench.data.synthetic.rng import Dice
from bench.data.synthetic.story import Point
from bench.data.synthetic.vocabulary import Vocabulary

_CUE = 0.7
"""Share of transcripts that say what the video is about in so many words."""
_HOOK = 0.15
"""Share of transcripts that start with a key entity instead of a greeting."""
_DECOY = 0.15
"""Share of mentions of a distractor in a sentence that says it does not matter here."""
_HESITATION = 0.2
_STUTTER = 0.06


def transcript(dice: Dice, words: Vocabulary, options: SynthOptions, point: Point) -> str:
    """Write a transcript about a point, with about ``options.transcript_entities`` mentions."""
    heard = [key for key in point.keys if not dice.chance(options.silent_keys)]
    mean = dice.around(options.transcript_entities)
    mentions = dice.between((mean + 1) // 2, 2 * mean - (mean + 1) // 2)
    head = _head(dice, words, point, heard)
    tail = _tail(dice, words, heard)
    named = sum(sentence.count(key) for sentence in (*head, *tail) for key in heard)
    body = _body(dice, words, point, heard, mentions - named)
    said = [*head, *dice.shuffle(body), *tail]
    return words.joint.join(_hesitate(dice, words, sentence) for sentence in said)


def _head(dice: Dice, words: Vocabulary, point: Point, heard: Sequence[str]) -> list[str]:
    if heard and dice.chance(_HOOK):
        return [dice.pick(words.sentences["hooks"]).format(a=dice.pick(heard))]
    opening = dice.pick(words.sentences["openings"])
    if not heard or not dice.chance(_CUE):
        return [opening, dice.pick(words.sentences["cues_vague"])]
    cue = dice.pick(words.sentences["cues_two" if len(heard) > 1 else "cues_one"])
    a, b = heard[0], heard[min(1, len(heard) - 1)]
    return [opening, cue.format(v=point.action, a=a, b=b)]


def _tail(dice: Dice, words: Vocabulary, heard: Sequence[str]) -> list[str]:
    closing = dice.pick(words.sentences["closings"])
    if heard and dice.chance(0.4):
        return [dice.pick(words.sentences["closings_key"]).format(a=dice.pick(heard)), closing]
    return [closing]


def _body(dice: Dice, words: Vocabulary, point: Point, heard: Sequence[str], mentions: int) -> list[str]:
    sentences = words.sentences
    waiting = [key for key in heard for _ in range(dice.between(1, 2))]
    said = [dice.pick(sentences["key_lines"]).format(a=key) for key in heard if dice.chance(0.8)]
    waiting += [dice.pick(point.others) for _ in range(mentions - len(said) - len(waiting))]
    waiting = dice.shuffle(waiting)
    while waiting:
        a = waiting.pop()
        if a in point.others and dice.chance(_DECOY):
            said.append(dice.pick(sentences["decoy_lines"]).format(a=a))
        elif waiting and dice.chance(0.4):
            said.append(dice.pick(sentences["lines_two"]).format(a=a, b=waiting.pop()))
        else:
            said.append(dice.pick(sentences["lines_one"]).format(a=a))
    said += dice.sample(point.topic.talk, dice.between(1, 3))
    return said + dice.sample(sentences["chatter"], dice.between(0, 2))


def _hesitate(dice: Dice, words: Vocabulary, sentence: str) -> str:
    """Stumble over a sentence now and then: an "um" before it, or its first word twice."""
    if dice.chance(_HESITATION):
        return dice.pick(words.sentences["hesitations"]) + words.joint + sentence
    if words.joint and dice.chance(_STUTTER):
        return sentence.split(" ", 1)[0] + " " + sentence
    return sentence
