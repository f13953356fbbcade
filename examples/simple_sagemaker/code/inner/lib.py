"""A module of the script's own folder."""


def count_words(text: str) -> int:
    return len(text.split())
