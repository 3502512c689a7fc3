"""What a row says of a job: its errors, and what the digit scores get right by themselves and in other comparisons."""

import json
from typing import Any

import torch
from torch import Tensor, nn

import helpers
from common import sampling
from common.provenance import code_version, commit, instruction_set, processor
from common.rows import COLUMNS, IDENTITY, Job, Row, checksum
from helpers import DivergenceError, Result, Round, evaluate, nb_wrong
from models.WSharing import JointComparison, WSModel

NB_WORST = 10


def digit_counts(model: nn.Module, data: Round) -> dict[str, int]:
    """Count, over the test pairs, what the digit scores get wrong, by themselves and in other ways to compare them."""
    scores, digit_scores = evaluate(model, data.test_input)
    read = digit_scores.argmax(-1)
    wrong = scores.argmax(1) != data.test_target
    by_highest = (read[:, 0] <= read[:, 1]).long()
    joint = JointComparison().to(scores.device)(digit_scores.flatten(1)).argmax(1)
    both_right = (read == data.test_classes).all(1)
    each = digit_scores.flatten(0, 1)
    return {
        "digits_wrong": int((read != data.test_classes).sum()),
        "highest_wrong": int((by_highest != data.test_target).sum()),  # the two highest scores, compared
        "joint_wrong": int((joint != data.test_target).sum()),  # the joint comparison of the same scores
        "head_wrong": int((wrong & both_right).sum()),  # the network's own last layer, both digits being right
        "dead_scores": int((each.amax(0) == each.amin(0)).sum()),  # of ten: the same for every digit
    }


def table_of(rows: Tensor, columns: Tensor) -> list[list[int]]:
    """Return how often each two digits come together: 10 x 10 counts."""
    return torch.bincount(10 * rows + columns, minlength=100).view(10, 10).tolist()


def error_details(model: nn.Module, data: Round) -> dict[str, Any]:
    """Return, over the test pairs: highest scores by digit, wrong pairs by digits, and the worst pairs.

    The worst are the wrong pairs with the highest probability of the wrong class: index, both digits, probability.
    """
    scores, digit_scores = evaluate(model, data.test_input)
    probabilities = scores.softmax(1)
    wrong = probabilities.argmax(1) != data.test_target
    order = [n for n in probabilities.max(1).values.argsort(descending=True).tolist() if wrong[n]][:NB_WORST]
    return {
        "digits": table_of(data.test_classes.flatten(), digit_scores.argmax(-1).flatten()),
        "wrong": table_of(*data.test_classes[wrong].unbind(1)),
        "worst": [(n, *data.test_classes[n].tolist(), round(probabilities[n].max().item(), 6)) for n in order],
    }


def sharpness(model: WSModel, data: Round) -> float:
    """Return how near the last layer's input is to one-hot: the mean share of a digit's ten that its highest has.

    The activation must give no number below 0. Over the test pairs; a digit whose ten are all 0 counts as a tenth.
    """
    _, digit_scores = evaluate(model, data.test_input)
    given = model.activation(digit_scores)
    shares = given.amax(-1) / given.sum(-1)
    return round(shares.nan_to_num(0.1).mean().item(), 4)


def details_of(details: str, result: Result, course: list[list[float]], data: Round) -> Any:
    """Return what a row keeps besides its numbers; see Job."""
    if details == "errors":
        return error_details(result.model, data)
    if details == "sharpness":
        return sharpness(result.model, data)
    return course if details == "course" else [round(loss, 4) for loss in result.losses]


def measure(job: Job, data: Round, course: list[list[float]]) -> tuple[dict[str, Any], Result | None]:
    """Train and test a job's network on these pairs; return its row's numbers, and the result.

    `course` gets a line of each epoch, if the job keeps them: the loss, the errors on the training and on the test
    pairs. Of a training that diverges, the row has the error alone, and there is no result.
    """
    network, (model, training, _) = job.network, job.parts
    classes = [data.train_classes] if network.labelled else []

    def after_epoch(model: nn.Module, losses: list[float]) -> None:
        train_wrong = nb_wrong(model, data.train_input, data.train_target)
        course.append([round(losses[-1], 6), train_wrong, nb_wrong(model, data.test_input, data.test_target)])

    if job.details == "course":
        training["after_epoch"] = after_epoch
    try:
        result = helpers.run(data, lambda: network.make(**model), network.train, *classes, **training)
        row: dict[str, Any] = {"parameters": result.nb_parameters, "seconds": round(result.seconds, 2)}
        row |= {"first_loss": round(result.losses[0], 6), "last_loss": round(result.losses[-1], 6)}
        row["train_wrong"] = nb_wrong(result.model, data.train_input, data.train_target)
        row |= {"train_total": len(data.train_target), "wrong": result.nb_wrong, "total": result.nb_test_pairs}
        if network.has_digit_scores:
            row |= digit_counts(result.model, data)
    except DivergenceError as error:
        return {"error": str(error)}, None
    return row, result


def run_job(job: Job) -> Row:
    """Run one job on one thread and return its row; a training that diverges gives a row whose `error` says so."""
    course: list[list[float]] = []
    data = sampling.load(job.round, **job.parts[2])
    numbers, result = measure(job, data, course)
    row = {**dict(zip(IDENTITY, job.key, strict=True)), **numbers}
    if job.details and result is not None:
        row["details"] = json.dumps(details_of(job.details, result, course, data))
    row |= {"torch": torch.__version__, "cpu": processor(), "arithmetic": instruction_set()}
    row |= {"commit": commit(), "code": code_version()}
    texts = {column: str(row.get(column, "")) for column in COLUMNS}
    return {**texts, "checksum": checksum(texts)}
