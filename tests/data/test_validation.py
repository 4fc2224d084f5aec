"""The whole list of findings: problems refuse, warnings only when strict."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from bench.data.validation import Findings, validate
from bench.errors import DataError, GateError
from tests.conftest import Cli
from tests.tiny import LENGTHS, QUERIES, VIDEOS, Tiny, write_features, write_transcript_vectors


def repair(tiny: Tiny) -> None:
    """Remove all that is merely suspicious."""
    for number, (video, transcript, _) in enumerate(VIDEOS, start=1):
        tiny.edit("videos.jsonl", number, transcript=transcript or f"the words of {video}")
    tiny.path("qrels.tsv").write_text("".join(f"{q}\t{v}\t1\n" for v, _, _ in VIDEOS for q, _ in QUERIES))
    write_features(tiny.folder / "features" / "all", {video: 1 for video, _, _ in VIDEOS})


def test_what_is_real_but_suspicious_is_a_warning(tiny: Tiny) -> None:
    findings = validate(tiny.folder)
    assert not findings.problems
    warnings = "\n".join(findings.warnings)
    for words in (
        "1 of 6 test videos have no transcript",
        "1 of 6 test videos have no queries",
        "features 'tiny-4' lack 1 of 12 videos",
        "1 queries have no relevant video",
    ):
        assert words in warnings


def test_findings_are_one_a_line_and_the_fiftieth_problem_is_the_last_shown() -> None:
    few = Findings(Path("d"), ["a", "b"], ["c"])
    assert few.to_text() == "error: a\nerror: b\nwarning: c\nd: 2 errors, 1 warning\n"
    lines = Findings(Path("d"), [str(i) for i in range(50)], []).to_text().splitlines()
    assert lines[49:] == ["error: 49", "d: 50 errors, 0 warnings"]
    lines = Findings(Path("d"), [str(i) for i in range(53)], []).to_text().splitlines()
    assert lines[49:] == ["error: 49", "error: … and 3 more", "d: 53 errors, 0 warnings"]


def test_the_first_problem_is_raised_with_the_number_of_the_others() -> None:
    problems_and_messages = (
        (["a"], "a"),
        (["a", "b"], "a (1 more above)"),
        (["a", "b", "c"], "a (2 more above)"),
    )
    for problems, message in problems_and_messages:
        with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
            Findings(Path("d"), problems, ["w"]).raise_for_status(strict=True)
    with pytest.raises(GateError, match=r"^d: 1 warning, and --strict allows none\.$"):
        Findings(Path("d"), [], ["w"]).raise_for_status(strict=True)
    Findings(Path("d"), [], ["w"]).raise_for_status(strict=False)


def test_lines_that_name_several_unknown_ids_are_one_problem_with_three_of_them(tiny: Tiny) -> None:
    lines = tiny.path("qrels.tsv").read_text().splitlines()
    unknown = [f"q1\tn{i}\t1" for i in range(4)] + ["p1\tv10\t1", "p2\tv10\t1", "p3\tv10\t1"]
    tiny.path("qrels.tsv").write_text("\n".join([*lines, *unknown, ""]))
    place, first = tiny.path("qrels.tsv"), len(lines) + 1
    assert list(validate(tiny.folder).problems) == [
        f"{place}:{first}: this and 3 more lines name 4 videos that videos.jsonl lacks or whose line was "
        "rejected: 'n0', 'n1', 'n2' and 1 more.",
        f"{place}:{first + 4}: this and 2 more lines name 3 queries that queries.jsonl lacks or whose line "
        "was rejected: 'p1', 'p2', 'p3'.",
    ]


def test_a_folder_that_is_no_features_is_named(tiny: Tiny) -> None:
    (tiny.folder / "features" / "notes").mkdir()
    place = tiny.folder / "features" / "notes"
    files = "frames.npy, offsets.npy, ids.txt"
    assert f"{place} holds none of {files}: it is not read as features." in validate(tiny.folder).warnings


def test_links_that_lead_out_of_the_folder_are_a_warning(tiny: Tiny, tmp_path: Path) -> None:
    (tiny.folder / "videos.link").symlink_to("videos.jsonl")
    assert "link" not in "".join(validate(tiny.folder).warnings)
    place = tmp_path / "frames.npy"
    for name, more in (("frames.npy", ""), ("ids.txt", "; 1 more links lead out")):
        tiny.feature(name).rename(tmp_path / name)
        tiny.feature(name).symlink_to(tmp_path / name)
        [warning] = [text for text in validate(tiny.folder).warnings if "link" in text]
        read = f"frames.npy is a link to {place}, outside the folder: what is there is read{more}."
        assert warning.endswith(read)


def test_strict_fails_on_warnings_and_on_nothing_else(tiny: Tiny, cli: Cli) -> None:
    assert cli("data", "validate", tiny.folder).status == 0
    strict = cli("data", "validate", tiny.folder, "--strict")
    assert strict.status == 5
    assert "--strict" in strict.error()
    repair(tiny)
    assert not validate(tiny.folder).problems
    assert cli("data", "validate", tiny.folder, "--strict").status == 0


def test_all_problems_are_listed_each_with_its_place(tiny: Tiny, cli: Cli) -> None:
    tiny.edit("videos.jsonl", 2, split="nowhere")
    tiny.line("queries.jsonl", 5, "{")
    tiny.line("qrels.tsv", 1, "q1\tv10\tmany")
    outcome = cli("data", "validate", tiny.folder)
    assert outcome.status == 3
    for place in ("videos.jsonl:2: ", "queries.jsonl:5: ", "qrels.tsv:1: "):
        assert f"error: {tiny.path('')}/{place}" in outcome.out
    assert "more above" in outcome.error()


def test_a_rejected_video_is_not_an_error_for_each_line_that_names_it(tiny: Tiny) -> None:
    judged = [line.split("\t")[1] for line in tiny.path("qrels.tsv").read_text().splitlines()]
    video = max(judged, key=judged.count)
    lines = tiny.path("videos.jsonl").read_text().splitlines()
    number = next(i for i, line in enumerate(lines, start=1) if f'"{video}"' in line)
    tiny.line("videos.jsonl", number, '{"video_id": "cut')
    findings = validate(tiny.folder)
    assert (findings.folder, findings.warnings) == (tiny.folder, [])  # of a dataset that was read in part
    first, second = findings.problems
    assert "Unterminated string starting at column" in first
    assert f"qrels.tsv:{judged.index(video) + 1}: this and {judged.count(video) - 1} more lines" in second
    assert second.endswith(f"name video '{video}' that videos.jsonl lacks or whose line was rejected.")


def test_a_run_names_the_first_problem_and_how_to_see_all(tiny: Tiny, cli: Cli) -> None:
    tiny.line("qrels.tsv", 1, "q1\tv10\tmany")
    outcome = cli("run", "--data", tiny.folder, "--generators", "lead", "--retrievers", "bm25")
    assert outcome.status == 3
    assert outcome.error().rstrip().endswith(f"List all problems: bench data validate {tiny.folder}")


def test_a_run_names_the_command_once_for_a_line_that_is_not_utf_8(tiny: Tiny, cli: Cli) -> None:
    with (tiny.folder / "videos.jsonl").open("ab") as stream:
        stream.write(b"\xff\n")
    error = cli("run", "--data", tiny.folder, "--generators", "lead", "--retrievers", "bm25").error()
    assert "not UTF-8" in error
    assert error.count("List all problems") == 1


def test_problems_come_before_strictness(tiny: Tiny, cli: Cli) -> None:
    tiny.line("qrels.tsv", 1, "q1\tv10\tmany")
    assert cli("data", "validate", tiny.folder, "--strict").status == 3


def test_every_kind_of_features_is_checked_not_only_the_first(tiny: Tiny, cli: Cli) -> None:
    write_features(tiny.folder / "features" / "zz-second", LENGTHS)
    (tiny.folder / "features" / "zz-second" / "ids.txt").write_text("v1\nv1\n")
    assert any("zz-second" in problem for problem in validate(tiny.folder).problems)
    assert cli("data", "validate", tiny.folder).status == 3


def test_features_of_unknown_videos_are_a_warning(tiny: Tiny) -> None:
    write_features(tiny.folder / "features" / "a", {**LENGTHS, "stranger": 1})
    assert any(
        "hold 1 videos that are not in videos.jsonl" in text for text in validate(tiny.folder).warnings
    )


def test_vectors_that_do_not_fit_the_transcripts_are_a_warning(tiny: Tiny) -> None:
    spoken = [video for video, text, _ in VIDEOS if text and video in LENGTHS]
    write_transcript_vectors(tiny.feature(""), {video: [1.0] for video in spoken[1:]})
    warnings = "\n".join(validate(tiny.folder).warnings)
    # one row is zeros, and v100 has none
    assert "features 'tiny-4': transcripts.npy has no vector for 2 of 11 transcripts" in warnings
    assert "has a vector for" not in warnings
    write_transcript_vectors(tiny.feature(""), {"v9": [1.0]})
    warnings = "\n".join(validate(tiny.folder).warnings)
    assert "transcripts.npy has a vector for 1 videos that have no transcript" in warnings


@pytest.mark.parametrize("split", ["train", "val"])
def test_an_empty_split_to_learn_from_is_a_warning(tiny: Tiny, split: str) -> None:
    for number, (_, _, own) in enumerate(VIDEOS, start=1):
        tiny.edit("videos.jsonl", number, split="test" if own == split else own)
    assert any(f"the split '{split}' is empty" in text for text in validate(tiny.folder).warnings)


def test_a_language_that_the_transcripts_are_not_in_is_a_warning(tiny: Tiny) -> None:
    tiny.edit("dataset.json", 1, language="zh")
    assert any("language 'zh'" in text for text in validate(tiny.folder).warnings)
    for number, (video, _, _) in enumerate(VIDEOS, start=1):
        tiny.edit("videos.jsonl", number, transcript=f"怎么做红烧肉{video}")
    assert not any("language" in text for text in validate(tiny.folder).warnings)
    tiny.edit("dataset.json", 1, language="en")
    assert any("language 'en'" in text for text in validate(tiny.folder).warnings)


def test_queries_without_text_are_a_warning(tiny: Tiny) -> None:
    tiny.edit("queries.jsonl", 1, text=" ")
    assert "1 queries have no text." in validate(tiny.folder).warnings


def test_queries_without_tokens_are_a_warning_and_a_count(tiny: Tiny, cli: Cli) -> None:
    tiny.edit("queries.jsonl", [query for query, _ in QUERIES].index("q5") + 1, text="🔥🔥🔥")
    assert any("1 queries have no tokens" in text for text in validate(tiny.folder).warnings)
    tiny.edit("queries.jsonl", [query for query, _ in QUERIES].index("q4") + 1, text="?!")  # v9 has no other
    out = tiny.folder.parent / "out"
    ran = cli("run", "--data", tiny.folder, "--generators", "lead", "--retrievers", "bm25", "--out", out)
    assert ran.status == 0
    assert "1 whose queries have no tokens" in (out / "tables" / "generation.md").read_text("utf-8")


def test_without_any_relevance_there_is_an_error(tiny: Tiny, cli: Cli) -> None:
    tiny.path("qrels.tsv").write_text("")
    (problem,) = validate(tiny.folder).problems
    assert "qrels.tsv: no query has a relevant video" in problem
    assert cli("data", "validate", tiny.folder).status == 3


def test_ids_that_a_trec_tool_takes_for_comments_are_a_warning(tiny: Tiny) -> None:
    for name in ("queries.jsonl", "qrels.tsv"):
        text = tiny.path(name).read_text()
        tiny.path(name).write_text(text.replace("q10", "#q10"))
    findings = validate(tiny.folder)
    assert not findings.problems
    assert (
        "1 ids of queries begin with '#': trec_eval 10 takes their lines for comments." in findings.warnings
    )


def test_a_dataset_without_features_is_a_warning(tiny: Tiny) -> None:
    shutil.rmtree(tiny.folder / "features")
    assert "there are no features: multimodal systems see no frames." in validate(tiny.folder).warnings
