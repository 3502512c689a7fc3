"""Weight sharing and an auxiliary loss: the network of WSharing, told in training which digits it sees."""

from typing import Any, ClassVar

import torch.nn.functional as F
from torch import Tensor

from helpers import AUX_WEIGHT, check_real, train
from models.WSharing import WSModel, WSModel1, check_consistency, disagreement


class AuxModel(WSModel):
    """The same network as WSModel, to the last parameter; only the loss that it is trained with differs."""


class AuxModel1(WSModel1):
    """The exploration class: the same network as WSModel1; only the loss that it is trained with differs.

    Without one of its differences from AuxModel, it loses so many points of validation accuracy: last layer without
    weights 3.82, batch normalisation 0.02, mini-batches of 50 0.12, one cycle of learning rate and momentum 0.13, two
    distorted views 1.15, consistency of the views 0.06, averaged weights -0.01, auxiliary weight 1 0.05, label
    smoothing 0.24. What each is worth alone, and how sure that is, is in report/results/ablation.md.
    """

    # the keywords of train_model_AM that differ from the default
    training: ClassVar[dict[str, Any]] = {
        "mini_batch_size": 50,
        "one_cycle": True,
        "nb_views": 2,
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
    which takes nb_views=2. `train_input` is float32 (N, 2, 14, 14), `train_target` int64 (N,), `train_classes`
    int64 (N, 2); `settings` are those of helpers.train, which says what it raises.
    """
    check_real("AUX_WEIGHT", aux_weight, zero_allowed=True)
    check_consistency(consistency, settings)

    def loss_of(batch_input: Tensor, batch_target: Tensor, batch_classes: Tensor) -> Tensor:
        digit_scores = model.digit_scores(batch_input)
        comparison_loss = F.cross_entropy(model.compare(digit_scores), batch_target)
        first_loss, second_loss = (
            F.cross_entropy(digit_scores[:, digit], batch_classes[:, digit], label_smoothing=label_smoothing)
            for digit in (0, 1)
        )
        loss = comparison_loss + aux_weight * (first_loss + second_loss)
        if consistency:
            loss = loss + consistency * disagreement(digit_scores)
        return loss

    return train(model, loss_of, (train_input, train_target, train_classes), **settings)
