"""What each metric is called and is, for people; light, because ``bench list`` reads it."""

METRICS = {
    "R@k": "relevant videos in the top k / relevant videos in the pool; k = 1, 5, 10, 30",
    "P@k": "relevant videos in the top k / k, even when fewer were returned",
    "Acc@k": "1 when any of the top k is relevant (TREC: Success@k)",
    "BLEU-1..4": "corpus BLEU as coco-caption computes it, on our tokens (bench.text)",
    "ROUGE-L": "mean over videos, as coco-caption",
    "CIDEr": "mean over videos, as coco-caption's 'cider' (CIDEr-D without stemming); raw in scores.csv",
}
