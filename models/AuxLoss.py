"""Weight sharing and an auxiliary loss: the network of WSharing, trained with digit labels."""

from typing import Any, ClassVar

import torch.nn.functional as F
from torch import Tensor, nn

import helpers
from helpers import outputs, train
from models.WSharing import WSModel, WSModel1, disagreement, distorted_twice


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
    two_views: bool = False,
    consistency: float = 0.0,
    **settings: Any,
) -> list[float]:
    """Train `model` in place with the comparison's cross-entropy and the two digits' own; return each epoch's loss.

    The loss of a mini-batch is comparison + aux_weight * (first + second), each a mean cross-entropy, the digits' on
    the plain scores, and with `label_smoothing`. `two_views` and `consistency` are as in train_model_WS, `settings` as
    in helpers.train. `train_input` is float32 (N, 2, 14, 14), `train_target` int64 (N,), `train_classes` int64 (N, 2).
    """
    aux_weight = helpers.AUX_WEIGHT if aux_weight is None else aux_weight

    def loss_of(pairs: Tensor, target: Tensor, classes: Tensor) -> Tensor:
        scores, digit_scores = outputs(model, pairs, digits=True)
        first_loss = F.cross_entropy(digit_scores[:, 0], classes[:, 0], label_smoothing=label_smoothing)
        second_loss = F.cross_entropy(digit_scores[:, 1], classes[:, 1], label_smoothing=label_smoothing)
        loss = F.cross_entropy(scores, target) + aux_weight * (first_loss + second_loss)
        return loss + consistency * disagreement(digit_scores) if consistency else loss

    transform = distorted_twice if two_views or consistency else None
    return train(model, loss_of, (train_input, train_target, train_classes), transform=transform, **settings)
