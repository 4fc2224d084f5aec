"""Settings of saved models are read back, or refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.errors import DataError
from generators.neural.checkpoint import read_config, write_config


def test_settings_are_read_as_they_were_written(tmp_path: Path) -> None:
    write_config(tmp_path, "mdvc", {"width": 8})
    assert read_config(tmp_path, "mdvc") == {"width": 8}


@pytest.mark.parametrize("text", ["[]", "null", "3", "{", '{"row": "qms"}'])
def test_other_files_are_no_settings(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(DataError, match=r"config\.json"):
        read_config(tmp_path, "mdvc")
