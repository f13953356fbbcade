"""Classes of several sources become one list, by name."""

from __future__ import annotations

from categories import Categories


def test_labels_follow_the_ids() -> None:
    classes = Categories()
    classes.add([("dog", 18), ("cat", 17), ("person", 1)])
    assert classes.names() == ("person", "cat", "dog")
    assert classes.ids() == (1, 17, 18)
    assert classes.labels() == {"person": 1, "cat": 2, "dog": 3}


def test_the_first_source_gives_the_id_and_a_taken_one_moves_to_the_end() -> None:
    classes = Categories()
    classes.add([("cat", 1), ("dog", 2)])
    classes.add([("dog", 1), ("bird", 2), ("fish", 9)])
    assert dict(zip(classes.names(), classes.ids())) == {"cat": 1, "dog": 2, "bird": 3, "fish": 9}


def test_ids_of_nothing_and_below() -> None:
    classes = Categories()
    classes.add([("all", 0), ("odd", -1), ("more", 0)])
    assert classes.labels() == {"odd": 1, "all": 2, "more": 3}


def test_fixed_classes_keep_their_order_and_take_no_more() -> None:
    classes = Categories((("b", "a"), (2, 1)))
    classes.add([("c", 3)])
    assert classes.names() == ("b", "a")
    assert classes.labels() == {"b": 1, "a": 2}
