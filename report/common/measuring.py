"""What a row says of a run: its errors, and what the digit scores get right by themselves and in other comparisons."""

import json
from typing import Any

import torch
from torch import Tensor, nn

import helpers
from common.provenance import arithmetic, code_version, commit, processor
from common.rows import COLUMNS, IDENTITY, Job, Row, checksum
from helpers import DivergenceError, Result, Round, outputs
from models.WSharing import JointComparison

NB_WORST = 10


@torch.no_grad()
def evaluate(model: nn.Module, pairs: Tensor) -> tuple[Tensor, Any]:
    """Return the scores (N, 2) and the digit scores (N, 2, 10), or None, in evaluation mode."""
    model.eval()
    scores, digit_scores = zip(
        *(outputs(model, batch) for batch in pairs.split(helpers.EVALUATION_BATCH_SIZE)), strict=True
    )
    return torch.cat(scores), None if digit_scores[0] is None else torch.cat(digit_scores)


def digit_counts(model: nn.Module, data: Round) -> dict[str, int]:
    """Count, over the test pairs, what the digit scores get wrong, by themselves and in other ways to compare them."""
    scores, digit_scores = evaluate(model, data.test_input)
    read = digit_scores.argmax(-1)
    own_wrong = scores.argmax(1) != data.test_target
    by_highest = (read[:, 0] <= read[:, 1]).long()
    joint = JointComparison().to(scores.device)(digit_scores.flatten(1)).argmax(1)
    both_right = (read == data.test_classes).all(1)
    each = digit_scores.flatten(0, 1)
    return {
        "digits_wrong": int((read != data.test_classes).sum()),
        "highest_wrong": int((by_highest != data.test_target).sum()),  # the two highest scores, compared
        "joint_wrong": int((joint != data.test_target).sum()),  # the joint comparison of the same scores
        "head_wrong": int((own_wrong & both_right).sum()),  # the network's own last layer, both digits being right
        "dead_scores": int((each.amax(0) == each.amin(0)).sum()),  # of ten: the same for every digit
    }


def table_of(rows: Tensor, columns: Tensor) -> list[list[int]]:
    """Return how often each two digits come together: 10 x 10 counts."""
    return torch.bincount(10 * rows + columns, minlength=100).view(10, 10).tolist()


def error_details(result: Result, data: Round) -> dict[str, Any]:
    """Return, over the test pairs: highest scores by digit, wrong pairs by digits, and the worst pairs.

    The worst are the wrong pairs with the highest probability of the wrong class: index, both digits, probability.
    """
    scores, digit_scores = evaluate(result.model, data.test_input)
    probabilities = scores.softmax(1)
    wrong = probabilities.argmax(1) != data.test_target
    order = [n for n in probabilities.max(1).values.argsort(descending=True).tolist() if wrong[n]][:NB_WORST]
    return {
        "digits": table_of(data.test_classes.flatten(), digit_scores.argmax(-1).flatten()),
        "wrong": table_of(*data.test_classes[wrong].unbind(1)),
        "worst": [(n, *data.test_classes[n].tolist(), round(probabilities[n].max().item(), 6)) for n in order],
    }


def losses(result: Result, data: Round) -> list[float]:
    """Return each epoch's loss."""
    return [round(loss, 4) for loss in result.losses]


def run_job(job: Job) -> Row:
    """Run one job on one thread and return its row; a run that diverges gives a row whose `error` says so."""
    network = job.network
    data = job.load(job.round, **job.data)
    training = {**getattr(network.make, "settings", {}), **job.training}
    classes = [data.train_classes] if network.labelled else []
    row: dict[str, Any] = dict(zip(IDENTITY, job.key, strict=True))
    try:
        result = helpers.run(data, lambda: network.make(**job.model), network.train, *classes, **training)
        row |= {"parameters": result.nb_parameters, "seconds": round(result.seconds, 2)}
        row |= {"first_loss": round(result.losses[0], 6), "last_loss": round(result.losses[-1], 6)}
        row["train_wrong"] = helpers.nb_wrong(result.model, data.train_input, data.train_target)
        row |= {"train_total": len(data.train_target), "wrong": result.nb_wrong, "total": result.nb_test_pairs}
        if hasattr(result.model, "digit_scores"):
            row |= digit_counts(result.model, data)
        if job.details:
            row["details"] = json.dumps(job.details(result, data))
    except DivergenceError as error:
        row["error"] = str(error)
    row |= {"torch": torch.__version__, "cpu": processor(), "arithmetic": arithmetic()}
    row |= {"commit": commit(), "code": code_version()}
    texts = {column: str(row.get(column, "")) for column in COLUMNS}
    return {**texts, "checksum": checksum(texts)}
