"""Checkpoints that the tests of security tamper with."""

from tests.retrievers.conftest import bert_folder

__all__ = ["bert_folder"]
