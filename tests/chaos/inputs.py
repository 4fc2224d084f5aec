"""A dataset and an encoder that are large enough to be trained on, and no larger."""

from __future__ import annotations

from pathlib import Path

import torch

from tests.retrievers.conftest import make_tokenizer, tiny
from tests.tiny import write_tiny


def write_data(folder: Path) -> Path:
    """Write the tiny dataset, and second queries of two training videos: dpr-ft learns from pairs of them."""
    data = write_tiny(folder)
    with data.path("queries.jsonl").open("a") as queries, data.path("qrels.tsv").open("a") as qrels:
        for query_id, text, video_id in (("q13", "cat asleep", "v12"), ("q14", "three oranges", "v4")):
            queries.write(f'{{"id": "{query_id}", "text": "{text}"}}\n')
            qrels.write(f"{query_id}\t{video_id}\t1\n")
    return folder


def write_encoder(folder: Path) -> Path:
    """Write a BERT of one layer with random weights."""
    from transformers import BertConfig, BertModel

    torch.manual_seed(0)
    BertModel(BertConfig(**tiny(make_tokenizer(folder)))).save_pretrained(folder)
    return folder
