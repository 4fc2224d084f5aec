"""A training that was killed at any moment, or whose checkpoints were damaged, ends with the same bytes."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pytest
import torch

from bench.neural.training_checkpoint import load_random_state, save_random_state
from generators.neural.training.plan import Validation
from generators.neural.training.train import train
from tests.generators.neural.training.test_train import Line, Points, collate, judged_by, plan, weights

Process = Callable[..., CompletedProcess[str]]
STEPS_PER_EPOCH = 6
KILLS = """
import os, sys, json
from pathlib import Path
import torch
torch.set_num_threads(1)
from tests.generators.neural.training.test_train import Line, Points, collate, judged_by, plan, weights
from generators.neural.training.train import train

root = Path(sys.argv[1])
result = root / "result.json"

def run(scratch, kill_at):
    # a child that ends at once, as if killed, at the n-th change of a file or folder in its scratch folder
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    scratch.mkdir(parents=True, exist_ok=True)
    events = 0
    def watch(event, arguments):
        nonlocal events
        changes = event in ("os.rename", "os.mkdir", "os.remove", "os.rmdir") or (
            event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wa+"))
        if changes and str(scratch) in str(arguments[0]):
            events += 1
            if events == kill_at:
                os._exit(9)
    sys.addaudithook(watch)
    try:
        module = Line()
        score = judged_by(lambda: -float(sum((w ** 2).sum() for w in module.state_dict().values())))
        log = train(module, Points(), collate, plan(checkpoint_steps=3), validation=score, scratch=scratch)
        result.write_text(json.dumps([log, {n: w.hex() for n, w in weights(module).items()}], sort_keys=True))
        os._exit(0)
    except BaseException as error:
        print(f"{type(error).__name__}: {error}", flush=True)
        os._exit(1)

assert run(root / "uninterrupted", None) == 0
expected, kill_at, kills = result.read_text(), 1, 0
while True:
    scratch = root / f"killed-{kill_at}"
    status = run(scratch, kill_at)
    assert status in (0, 9), status
    if status == 0:
        break
    again = run(scratch, None)
    assert again == 0, f"killed at event {kill_at}, it did not end when repeated"
    assert result.read_text() == expected, f"killed at event {kill_at}, it ended with other weights or log"
    assert not list(scratch.iterdir())
    kills, kill_at = kills + 1, kill_at + int(sys.argv[2])
print(kills)
"""


def test_a_training_killed_at_any_change_of_a_file_ends_with_the_same_bytes(
    process: Process, tmp_path: Path
) -> None:
    done = process("-c", KILLS, tmp_path, 7)
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(done.stdout) > 10
    assert "is damaged" not in done.stderr, "a kill is no damage"


def length(module: Line) -> Validation:
    """A score that depends on the weights alone, and is best after the first epoch or a later one."""
    return judged_by(lambda: squared(module))


def squared(module: Line) -> float:
    return -float(sum((w**2).sum() for w in module.state_dict().values()))


def test_an_epoch_that_ends_with_a_step_checkpoint_is_validated_after_a_kill(tmp_path: Path) -> None:
    uninterrupted, killed, again = Line(), Line(), Line()
    settings = plan(checkpoint_steps=STEPS_PER_EPOCH)
    log = train(uninterrupted, Points(), collate, settings, validation=length(uninterrupted))
    scores = 0

    def kill_in_second_validation() -> float:
        nonlocal scores
        scores += 1
        if scores == 2:
            raise KeyboardInterrupt
        return squared(killed)

    with pytest.raises(KeyboardInterrupt):
        train(
            killed,
            Points(),
            collate,
            settings,
            validation=judged_by(kill_in_second_validation),
            scratch=tmp_path,
        )
    repeated = train(again, Points(), collate, settings, validation=length(again), scratch=tmp_path)
    assert repeated == log
    assert len([entry for entry in log if "eval_score" in entry]) == 4
    assert weights(again) == weights(uninterrupted)


def stopped(scratch: Path, at: int = 14) -> list[Path]:
    """Checkpoints of a training that was killed at a step, the oldest first."""
    module = Line(at)
    with pytest.raises(KeyboardInterrupt):
        train(
            module,
            Points(),
            collate,
            plan(checkpoint_steps=4),
            validation=judged_by(iter([0.9, 0.5, 0.4, 0.3]).__next__),
            scratch=scratch,
        )
    return sorted(scratch.glob("checkpoint-*"), key=lambda path: int(path.name.partition("-")[2]))


def repeat(scratch: Path) -> dict[str, bytes]:
    scores = {6: 0.9, 12: 0.5, 18: 0.4, 24: 0.3}
    module = Line()
    data = Points()
    train(
        module,
        data,
        collate,
        plan(checkpoint_steps=4),
        validation=judged_by(lambda: scores[6 * (data.epoch + 1)]),
        scratch=scratch,
    )
    return weights(module)


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "a flipped byte": flip,
    "cut": lambda path: path.write_bytes(path.read_bytes()[:10]),
    "empty": lambda path: path.write_bytes(b""),
    "gone": lambda path: path.unlink(),
}


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, bytes]]:
    """The folder of a killed training, and the weights that it ends with when it is continued."""
    root = tmp_path_factory.mktemp("killed")
    assert [one.name for one in stopped(root / "folder")] == ["checkpoint-6", "checkpoint-12"]
    shutil.copytree(root / "folder", root / "continued")
    return root / "folder", repeat(root / "continued")


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("which", ["checkpoint-6", "checkpoint-12"], ids=["the best", "the latest"])
def test_a_damaged_checkpoint_is_named_and_the_result_is_the_same(
    damage: str,
    which: str,
    killed: tuple[Path, dict[str, bytes]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder, expected = killed
    for name in [path.name for path in (folder / which).iterdir()]:
        scratch = shutil.copytree(folder, tmp_path / name)
        DAMAGES[damage](scratch / which / name)
        capsys.readouterr()
        assert repeat(scratch) == expected, name
        assert f"bench: checkpoint {scratch / which} is damaged" in capsys.readouterr().err


def test_a_foreign_file_in_a_checkpoint_is_not_read(tmp_path: Path) -> None:
    latest = stopped(tmp_path)[-1]
    (latest / "optimizer.pt").write_bytes(b"a pickle")
    (latest / "scaler.pt").write_bytes(b"a pickle")
    repeat(tmp_path)
    assert not list(tmp_path.iterdir())


def test_random_numbers_go_on_where_they_were(tmp_path: Path) -> None:
    def draw() -> tuple[float, float, float]:
        return random.gauss(0, 1), float(np.random.normal()), float(torch.randn(1))

    draw()
    save_random_state(tmp_path)
    first = [draw() for _ in range(3)]
    load_random_state(tmp_path)
    assert [draw() for _ in range(3)] == first
    assert json.loads((tmp_path / "random.json").read_text()).keys() == {"python", "numpy"}
