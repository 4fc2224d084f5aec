"""The measure is 1 for the best ranking and 0 for one without relevant documents."""

from my_metric.metric import my_metric


def test_the_best_ranking_has_all_there_is() -> None:
    assert my_metric([2, 1, 0], [2, 1], 2) == 1.0
    assert my_metric([0, 1, 2], [2, 1], 2) == 1 / 3
    assert my_metric([0, 0], [], None) == 0.0
