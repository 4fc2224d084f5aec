"""The folder is a dataset without errors."""

from pathlib import Path

from bench.data.validation import validate
from my_dataset.dataset import my_dataset


def test_the_folder_has_no_errors(tmp_path: Path) -> None:
    assert not validate(my_dataset(tmp_path)).problems
