from __future__ import annotations

import pytest

from byoa.plan.look.training import Course


def course(*lines: str, epochs: object = None) -> Course:
    """What ten seconds between two lines tell."""
    made = Course()
    made.asked({"num_epochs": epochs} if epochs else {})
    for number, text in enumerate(lines):
        made.take(text, 10.0 * number)
    return made


@pytest.mark.parametrize(
    ("lines", "epochs", "part", "notes"),
    [
        # ours
        (["epoch 2/5 step 26/60 loss 0.512 0.50 s/step, about 7 min left"], None,
         (1 + 26 / 60) / 5, ("epoch 2/5", "loss 0.512", "step 26/60")),
        (["epoch 2/5 step 26/60 loss 0.5 0.5 s/step, about 7 min left",
          "epoch=2; train_loss=0.41; validation_bbox_map=0.1; validation_segm_map=0.2; "
          "validation_segm_map50=0.4;"], None,
         0.4, ("epoch 2/5", "train_loss 0.41", "validation_segm_map 0.2")),
        # PyTorch's MNIST example, Keras, a tutorial's, tqdm, XGBoost
        (["Train Epoch: 1 [30000/60000 (50%)]\tLoss: 0.331"], '"2"',
         0.25, ("epoch 1/2", "Loss 0.331", "step 30000/60000")),
        (["Epoch 3/10", "60/60 [====] - 1s - loss: 0.31 - accuracy: 0.91"], None,
         0.2, ("epoch 3/10", "loss 0.31", "accuracy 0.91")),
        (["Epoch [3/10], Step [20/40], Loss: 0.5"], None,
         0.25, ("epoch 3/10", "Loss 0.5", "step 20/40")),
        ([" 45%|████▌     | 450/1000 [00:10<00:12, 40it/s]"], None, 0.45, ()),
        (["Epoch 2:  45%|████▌  | 450/1000 [00:10<00:12, 40it/s, loss=0.3]"], 4,
         1.45 / 4, ("epoch 2/4", "loss 0.3", "step 45/100")),
        (["Epoch 2/4, loss: 0.3"], None, 0.5, ("epoch 2/4", "loss 0.3")),
        (["[7]\ttrain-rmse:0.50\tvalidation-rmse:0.61"], 10,
         0.8, ("epoch 8/10", "validation-rmse 0.61")),
        # what tells nothing
        (["epoch 3 begins"], None, None, ("epoch 3",)),
        (["step 0/0", "the file 3/4 is read", "done 99%", ""], None, None, ()),
    ],
)  # fmt: skip
def test_how_far_a_job_is(
    lines: list[str], epochs: object, part: float | None, notes: tuple[str, ...]
):
    found = course(*lines, epochs=epochs)
    assert found.part == (None if part is None else pytest.approx(part))
    assert found.notes() == notes


def test_a_new_epoch_begins_at_its_beginning():
    found = course("epoch 1/2 step 9/10", "epoch 2/2")
    assert found.part == 0.5


def test_what_is_left_is_what_the_job_says_and_it_passes():
    found = course("epoch 1/2 step 1/10 loss 1.0 1 s/step, about 2 min left")
    assert found.remaining(30) == 90
    assert found.remaining(1000) is None, "that was long ago"


def test_what_is_left_follows_from_what_was_done_since_the_first_word():
    found = course(*(f"step {n}/10" for n in range(1, 6)))
    assert found.part == 0.5
    assert found.remaining(40) == pytest.approx(50)
    assert found.remaining(45) == pytest.approx(45), "it passes while nothing is said"
    assert course("step 5/10").remaining(0) is None


def test_figures_that_are_no_numbers_are_not_shown():
    found = course("epoch=1; train_loss=nan; accuracy=0.5;")
    assert found.notes({"train:loss": float("nan")}) == ("epoch 1", "accuracy 0.5")


def test_the_services_own_figures_stand_in_where_the_lines_have_none():
    assert course("begin").notes({"my_loss": 0.25}) == ("my_loss 0.25",)
