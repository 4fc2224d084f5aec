"""What the names on a page mean is on the page."""

from bench.report.glossary import explain_header, explain_systems
from bench.report.source import Source
from tests.hostile_run import LABEL, World


def test_headers_of_score_tables_are_explained() -> None:
    assert explain_header("B-1").startswith("BLEU-1: corpus BLEU")
    assert explain_header("C").startswith("CIDEr: ")
    assert explain_header("R@10") == "relevant videos in the top 10 / relevant videos in the pool"
    assert explain_header("P@5") == "relevant videos in the top 5 / 5, even when fewer were returned"
    assert explain_header("Acc@5") == "1 when any of the top 5 is relevant (TREC: Success@k; elsewhere Hit@k)"
    assert explain_header("ROUGE-L") == "mean over videos, as coco-caption"
    assert explain_header("MRR@10") == "1 / rank of the first relevant video, 0 where it is not in the top 10"
    assert explain_header("MRR") == "1 / rank of the first relevant video, 0 where it is not in the run"
    assert explain_header("nDCG@10").startswith("discounted gain by graded relevance / ")
    assert explain_header("R") == ""
    assert explain_header("Distinct") == "distinct summaries / videos, in %"
    assert explain_header("seconds") == ""


def test_built_in_systems_are_explained_and_what_a_file_holds_is_not(world: World) -> None:
    about = dict(explain_systems([Source.read(world.out), Source.read(world.other)]))
    assert list(about) == ["Lead", "Transcript", "BM25"]
    assert about["Transcript"].endswith("the no-summary baseline.")
    assert LABEL not in about


def test_the_page_has_both(world: World) -> None:
    page = (world.out / "report.html").read_text(encoding="utf-8")
    assert "<dt>Transcript</dt>" in page
    assert '<abbr title="BLEU-1: corpus BLEU' in page
