"""The retriever finds the summary that shares most words with the query."""

from my_retriever.retriever import MyRetriever


def test_shared_words_decide() -> None:
    retriever = MyRetriever()
    retriever.index({"a": "a red car", "b": "a cat", "c": "red"})
    run = retriever.search({"q": "red car"}, k=10)
    assert [run.video_ids[hit] for hit in run.hits[0] if hit >= 0] == ["a", "c"]
