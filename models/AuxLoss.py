"""Weight sharing and an auxiliary loss: the network of WSharing, told in training which digits it sees."""

from typing import Any

import torch.nn.functional as F
from torch import Tensor

from helpers import AUX_WEIGHT, check_real, train
from models.WSharing import WSModel


class AuxModel(WSModel):
    """The same network as WSModel, to the last parameter; only the loss that it is trained with differs."""


def train_model_AM(
    model: WSModel,
    train_input: Tensor,
    train_target: Tensor,
    train_classes: Tensor,
    *,
    aux_weight: float = AUX_WEIGHT,
    **settings: Any,
) -> list[float]:
    """Train `model` in place with the comparison's cross-entropy and the two digits' own; return each epoch's loss.

    The loss of a mini-batch is comparison + aux_weight (first digit + second digit), each a mean cross-entropy, the
    digits' on the plain scores. `train_input` is float32 (N, 2, 14, 14), `train_target` int64 (N,), `train_classes`
    int64 (N, 2); `settings` are those of helpers.train, which says what it raises.
    """
    check_real("AUX_WEIGHT", aux_weight, zero_allowed=True)

    def loss_of(batch_input: Tensor, batch_target: Tensor, batch_classes: Tensor) -> Tensor:
        digit_scores = model.digit_scores(batch_input)
        comparison_loss = F.cross_entropy(model.compare(digit_scores), batch_target)
        first_loss = F.cross_entropy(digit_scores[:, 0], batch_classes[:, 0])
        second_loss = F.cross_entropy(digit_scores[:, 1], batch_classes[:, 1])
        return comparison_loss + aux_weight * (first_loss + second_loss)

    return train(model, loss_of, (train_input, train_target, train_classes), **settings)
