"""A run has the same bytes with any hash seed, locale, time zone, folder, workers and fresh store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.chaos.inputs import write_data, write_encoder
from tests.chaos.killed_command import contents
from tests.conftest import Cli
from tests.tiny import Tiny

SURROUNDINGS = (
    {"PYTHONHASHSEED": "1", "LC_ALL": "C.UTF-8", "TZ": "UTC", "OMP_NUM_THREADS": "1"},
    {"PYTHONHASHSEED": "2", "LC_ALL": "tr_TR.UTF-8", "TZ": "Asia/Kathmandu", "OMP_NUM_THREADS": "2"},
)


def test_surroundings_change_no_byte_of_a_run_or_of_what_it_trains(
    tmp_path: Path, process: Callable[..., CompletedProcess[str]]
) -> None:
    data, weights, written = write_data(tmp_path / "tiny"), write_encoder(tmp_path / "encoder"), []
    for i, environment in enumerate(SURROUNDINGS):
        place = tmp_path / f"place {i}"
        place.mkdir()
        done = process(
            "-m", "bench", "run", "--data", data, "--generators", "tfidf,seq2seq", "--retrievers",
            "bm25,dpr-ft,hybrid", "--set", "bm25.engine=bm25s", "--set", f"dpr.weights={weights}",
            "--out", "out", "--store", "store", "--quiet",
            "--device", "cpu", "--set", "train.epochs=1", "--set", "seq2seq.width=16",
            "--set", "text.vocabulary=100", "--set", "decode.beams=1", "--set", "dpr-ft.epochs=1",
            "--set", f"run.workers={1 + i}", cwd=place, env=environment,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        models = [path.read_bytes() for path in sorted(place.glob("store/**/*.safetensors"))]
        assert len(models) == 3, "the generator, and what dpr-ft encodes queries and summaries with"
        written.append((contents(place / "out"), models))
    assert written[0] == written[1]


@pytest.mark.parametrize(
    "words",
    [
        "doctor",
        "run --data {data} --out {out}",
        "explain {out} --video v",
        "summarize lead --data {data} --videos {data} --out {out}",
    ],
)
def test_without_a_current_folder_nothing_is_started_that_ends_the_process(
    words: str, tiny: Tiny, tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    refused = cli(*(word.format(data=tiny.folder, out=tmp_path / "out") for word in words.split()))
    assert (refused.status, "the current folder was deleted" in refused.error()) == (4, True)
