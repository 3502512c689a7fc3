"""Weight sharing and an auxiliary loss: the network of WSharing, trained with digit labels."""

from typing import Any, ClassVar

import torch.nn.functional as F
from torch import Tensor, nn

import helpers
from models.WSharing import WSModel, WSModel1, train_on_views


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
    model: nn.Module,
    train_input: Tensor,
    train_target: Tensor,
    train_classes: Tensor,
    *,
    aux_weight: float | None = None,
    label_smoothing: float = 0.0,
    **settings: Any,
) -> list[float]:
    """Train `model` in place with the comparison's cross-entropy and the two digits' own; return each epoch's loss.

    The loss of a mini-batch is comparison + aux_weight (first digit + second digit), each a mean cross-entropy, the
    digits' on the plain scores, and with `label_smoothing`. `train_input` is float32 (N, 2, 14, 14), `train_target`
    int64 (N,), `train_classes` int64 (N, 2); `settings` are those of `train_on_views`.
    """
    aux_weight = helpers.AUX_WEIGHT if aux_weight is None else aux_weight

    def loss_of(scores: Tensor, digit_scores: Tensor, target: Tensor, classes: Tensor) -> Tensor:
        first_loss, second_loss = (
            F.cross_entropy(digit_scores[:, digit], classes[:, digit], label_smoothing=label_smoothing)
            for digit in (0, 1)
        )
        return F.cross_entropy(scores, target) + aux_weight * (first_loss + second_loss)

    return train_on_views(model, loss_of, (train_input, train_target, train_classes), digits=True, **settings)
