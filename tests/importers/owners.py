"""Small files of ours in the formats of datasets' owners."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any


def write(folder: Path, files: Mapping[str, Any]) -> Path:
    """Write files into a new folder: text as it is, lists of objects as JSON lines, the rest as JSON."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str):
            text = content
        elif name.endswith(".jsonl"):
            text = lines(content)
        else:
            text = json.dumps(content)
        path.write_text(text, encoding="utf-8")
    return folder


def lines(items: Iterable[Mapping[str, Any]]) -> str:
    return "".join(json.dumps(item, ensure_ascii=False) + "\n" for item in items)


def _vatex(names: Iterable[str], *keys: str) -> list[dict[str, object]]:
    texts = {"enCap": ["A man paints a fence.", "Somebody paints."], "chCap": ["一个人在刷栅栏", "有人刷漆"]}
    return [{"videoID": name} | {key: texts[key] for key in keys} for name in names]


def _steps(word: str) -> list[dict[str, object]]:
    return [{"id": i, "segment": [i, i + 5], "sentence": f"{word} the onions {i}"} for i in range(2)]


MSRVTT = {
    "MSRVTT_data.json": {
        "info": {},
        "videos": [
            {"video_id": "video0", "split": "train", "id": 0},
            {"video_id": "video1", "split": "validate", "id": 1},
            {"video_id": "video2", "split": "test", "id": 2},
        ],
        "sentences": [
            {"caption": f"our sentence {i} about {video}", "video_id": video, "sen_id": i}
            for i, video in enumerate(["video0", "video0", "video1", "video2", "video2"])
        ],
    },
    "MSRVTT_JSFUSION_test.csv": "key,vid_key,video_id,sentence\nret0,msr2,video2,our test sentence\n",
}
FORMATS: Mapping[str, Mapping[str, Any]] = {
    "msr-vtt": MSRVTT,
    "vatex": {
        "vatex_training_v1.0.json": _vatex(["a_000001_000011", "b_000002_000012"], "enCap", "chCap"),
        "vatex_validation_v1.0.json": _vatex(["c_000003_000013"], "enCap", "chCap"),
        "vatex_public_test_english_v1.1.json": _vatex(["d_000004_000014", "e_000005_000015"], "enCap"),
    },
    "youcook2": {
        "youcookii_annotations_trainval.json": {
            "database": {
                "abc": {"subset": "training", "recipe_type": "1", "annotations": _steps("chop")},
                "def": {"subset": "validation", "recipe_type": "2", "annotations": _steps("fry")},
            }
        }
    },
    "activitynet": {
        name: {
            video: {"duration": 9.0, "timestamps": [[0, 4], [4, 9]], "sentences": [f"{word} up. ", " Sits."]}
        }
        for name, video, word in (("train.json", "v_one", "Stands"), ("val_1.json", "v_two", "Gets"))
    },
    "tvr": {
        "tvr_train_release.jsonl": [
            {"desc_id": 1, "desc": "Ann reads.", "vid_name": "show_s01_clip_00", "ts": [0, 1], "type": "v"}
        ],
        "tvr_val_release.jsonl": [
            {"desc_id": 2, "desc": "Bo writes.", "vid_name": "show_s01_clip_01", "ts": [0, 1], "type": "vt"}
        ],
        "tvqa_preprocessed_subtitles.jsonl": [
            {"vid_name": "show_s01_clip_01", "sub": [{"text": "Ann : Where is it?", "start": 0, "end": 1}]},
            {"vid_name": "nobody_knows", "sub": []},
        ],
    },
    "qvhighlights": {
        f"highlight_{split}_release.jsonl": [
            {"qid": number, "query": f"a {split} walk", "vid": f"{split}_60.0_210.0", "duration": 150},
            {"qid": number + 10, "query": "shared", "vid": "shared_0.0_150.0", "duration": 150},
        ]
        for number, split in enumerate(("train", "val", "test"))
    },
    "cbvs": {
        "datasets/cbvs20k.txt": "红色的车\tv1\thttp://cover/1\t2\n红色的车\tv2\thttp://cover/2\t1\n"
        "猫 睡觉\tv3\thttp://cover/3\t2\n猫 睡觉\tv3\thttp://cover/3\t2\n猫 睡觉\tv1\thttp://cover/1\t0\n",
        "output/inference_result.txt": "2\t红色的车\tv1\t0.5\n1\t红色的车\tv2\t0.7\n2\t猫 睡觉\tv3\t0.4\n"
        "0\t猫 睡觉\tv1\t0.1\n",
    },
    "multi-cpr": {
        "corpus.tsv": "11\t红色的车开过沙漠\n12\t猫在键盘上睡觉\n13\t没人问的视频\n",
        "dev.query.txt": "5\t红色的车\n6\t睡觉的猫\n7\t没有判断\n",
        "qrels.dev.tsv": "5\t0\t11\t1\n6\t0\t12\t1\n",
    },
    "c-mteb-video": {
        "corpus.jsonl": [{"id": "11", "text": "红色的车开过沙漠"}, {"id": "12", "text": "猫在键盘上睡觉"}],
        "queries.jsonl": [{"id": "5", "text": "红色的车"}],
        "qrels.jsonl": [{"qid": "5", "pid": "11", "score": 1}],
    },
    "beir": {
        "corpus.jsonl": [
            {"_id": "d1", "title": "Red", "text": "a red car in the desert"},
            {"_id": "d2", "title": "", "text": "a cat asleep"},
        ],
        "queries.jsonl": [{"_id": "q1", "text": "red car"}, {"_id": "q2", "text": "sleeping cat"}],
        "qrels/test.tsv": "query-id\tcorpus-id\tscore\nq1\td1\t2\nq1\td2\t0\n",
        "qrels/dev.tsv": "query-id\tcorpus-id\tscore\nq2\td2\t1\n",
    },
    "coco": {
        f"captions_{split}2014.json": {
            "images": [{"id": number, "file_name": f"{number}.jpg"}],
            "annotations": [{"id": number + 10, "image_id": number, "caption": f"a {split} picture"}],
        }
        for number, split in enumerate(("train", "val"))
    },
    "csv": {
        "pairs.csv": "video_id,query,transcript,split,relevance\nv1,red car,a red car,test,2\n"
        'v2,red  car,"a car, red",test,1\nv3,cat,a cat,train,1\n'
    },
}
