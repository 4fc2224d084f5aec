"""A command that is killed at any change of a file, and repeated, ends as if it had never been killed.

``BENCH_KILLS`` is the number of moments tried for each stage; ``tox -e chaos`` tries 60 of each, and
``-k STAGE`` picks one. The ordinary suite tries six of each quick stage.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.chaos.inputs import write_data, write_encoder
from tests.conftest import child_environment
from tests.prepare.films import Film, photograph

MOMENTS = int(os.environ.get("BENCH_KILLS", "6"))
RUN = "run --data {data} --out {{root}}/out --device cpu --set bm25.engine=bm25s"
TRAINED = (
    f"{RUN} --set train.epochs=2 --set train.checkpoint_steps=2 --set seq2seq.width=16 "
    "--set text.vocabulary=100 --set decode.beams=1 --generators seq2seq --retrievers bm25"
)
STAGES = {
    "training": [TRAINED],
    "fine-tuning": [
        f"{RUN} --generators lead --retrievers dpr-ft --set dpr-ft.epochs=2 --set dpr.weights={{encoder}}"
    ],
    "generation": [f"{RUN} --generators lead,oracle,tfidf --retrievers bm25 --set run.shards=2"],
    "indexing": [
        f"{RUN} --generators lead,oracle --retrievers bm25",
        f"{RUN} --generators lead,oracle --retrievers bm25,dpr-pt --set run.shards=2",
    ],
    "search": [
        f"{RUN} --generators lead --retrievers bm25,dpr-pt",
        f"{RUN} --generators lead,oracle --retrievers bm25,hybrid --metrics nDCG@10 --seed 0,1",
    ],
    "report": [f"{RUN} --generators lead,oracle --retrievers bm25", "report {{root}}/out --figures svg"],
    "synth": ["data synth --out {{root}}/out --videos 60 --seed 1"],
    "new": ["summarize tfidf --data {data} --videos {new} --out {{root}}/out/s.jsonl"],
    "prepare": [
        "data prepare --videos {videos} --queries {videos}/queries.csv --out {{root}}/out "
        "--speech none --max-frames 2 --keep-frames 1 --jobs 1 --quiet"
    ],
}
COLD = ("report",)
QUICK = ("training", "synth")


@pytest.mark.parametrize("stage", STAGES if "BENCH_KILLS" in os.environ else QUICK)
def test_a_killed_command_ends_with_the_same_bytes(stage: str, tmp_path: Path) -> None:
    places = {"data": shlex.quote(str(write_data(tmp_path / "tiny")))}
    places |= {"videos": str(tmp_path / "videos"), "new": str(tmp_path / "new.jsonl")}
    if stage == "prepare":
        write_videos(tmp_path / "videos")
    if stage == "new":  # three blocks of videos
        texts = (f'{{"id": "n{i}", "transcript": "a pie with {i} apples"}}' for i in range(2100))
        (tmp_path / "new.jsonl").write_text("\n".join(texts))
    if stage == "fine-tuning":  # the packaged encoder has thousands of times the parameters
        places["encoder"] = str(write_encoder(tmp_path / "encoder"))
    commands = [command.format(**places) for command in STAGES[stage]]
    script = [sys.executable, "-m", "tests.chaos.killed_command", *(["--cold"] if stage in COLD else [])]
    done = subprocess.run(
        [*script, str(tmp_path / "kills"), str(MOMENTS), *commands],
        env=child_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr


def write_videos(folder: Path) -> None:
    """Write two videos of two seconds, one of them asked for twice."""
    for name, picture in (("temple.mp4", "china.jpg"), ("dahlia.mp4", "flower.jpg")):
        Film([photograph(picture)] * 2).write(folder / name)
    lines = ["query,video", "a temple,temple.mp4", "a flower,dahlia.mp4", "a red flower,dahlia.mp4"]
    (folder / "queries.csv").write_text("\n".join([*lines, ""]))
