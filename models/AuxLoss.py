"""Weight sharing and an auxiliary loss: the network of WSharing, trained with digit labels."""

from typing import Any, ClassVar

import torch.nn.functional as F
from torch import Tensor

from helpers import AUX_WEIGHT, check_real, check_shape, train
from models.WSharing import WSModel, WSModel1, check_consistency, check_forward, disagreement, scores_of


class AuxModel(WSModel):
    """The same network as WSModel, to the last parameter; only the loss that it is trained with differs."""


class AuxModel1(WSModel1):
    """The exploration class: the same network as WSModel1; only the loss that it is trained with differs.

    It is there to be modified and compared with AuxModel. What each difference does is in report/report.pdf.
    """

    # the settings of train_model_AM that differ from the default
    settings: ClassVar[dict[str, Any]] = {
        "mini_batch_size": 50,
        "one_cycle": True,
        "two_views": True,
        "averaging": 0.99,
        "consistency": 1.0,
        "aux_weight": 1.0,
        "label_smoothing": 0.1,
    }


def train_model_AM(
    model: WSModel,
    train_input: Tensor,
    train_target: Tensor,
    train_classes: Tensor,
    *,
    aux_weight: float = AUX_WEIGHT,
    label_smoothing: float = 0.0,
    consistency: float = 0.0,
    **settings: Any,
) -> list[float]:
    """Train `model` in place with the comparison's cross-entropy and the two digits' own; return each epoch's loss.

    The loss of a mini-batch is comparison + aux_weight (first digit + second digit), each a mean cross-entropy, the
    digits' on the plain scores, and with `label_smoothing`. `consistency` is the weight of `disagreement` in the loss,
    which takes two_views=True. `train_input` is float32 (N, 2, 14, 14), `train_target` int64 (N,), `train_classes`
    int64 (N, 2); `settings` are those of helpers.train, which says what it raises. UserError, too, for a `forward` that
    does what is not trained.
    """
    check_real("AUX_WEIGHT", aux_weight)
    check_real("label_smoothing", label_smoothing, below=1)
    check_consistency(consistency, settings)
    check_shape("train_target", train_target, len(train_input))
    check_shape("train_classes", train_classes, len(train_input), 2)
    check_forward(model, train_input)

    def loss_of(batch_input: Tensor, batch_target: Tensor, batch_classes: Tensor) -> Tensor:
        scores, digit_scores = scores_of(model, batch_input)
        comparison_loss = F.cross_entropy(scores, batch_target)
        first_loss, second_loss = (
            F.cross_entropy(digit_scores[:, digit], batch_classes[:, digit], label_smoothing=label_smoothing)
            for digit in (0, 1)
        )
        loss = comparison_loss + aux_weight * (first_loss + second_loss)
        if consistency:
            loss = loss + consistency * disagreement(digit_scores)
        return loss

    return train(model, loss_of, (train_input, train_target, train_classes), **settings)
