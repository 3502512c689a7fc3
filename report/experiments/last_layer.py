"""What does the last layer do? Linear on the scores, on their ReLU, on their softmax, and the joint comparison."""

from typing import NamedTuple

from common.networks import AUX, JOINT, JOINT_AUX, WS, Network
from common.rows import Job

from experiments import claims

ROUNDS = range(10)


class LastLayer(NamedTuple):
    """A last layer: its name, the networks without and with digit labels, and their keywords."""

    name: str
    plain: Network
    labelled: Network
    model: dict[str, str]


LAST_LAYERS = (
    LastLayer("linear on scores", WS, AUX, {"activation": "none"}),
    LastLayer("linear on ReLU", WS, AUX, {}),
    LastLayer("linear on softmax", WS, AUX, {"activation": "softmax"}),
    LastLayer("joint comparison", JOINT, JOINT_AUX, {}),
)


def run(network: Network, model: dict[str, str], nb_round: int) -> Job:
    """Return the run of a network with a last layer of LAST_LAYERS."""
    if network in (WS, AUX) and not model:
        return claims.run(network, nb_round)
    return Job("last_layer", network, nb_round, model)


def runs(nb_round: int) -> list[Job]:
    """Return the runs of one round."""
    return [run(network, layer.model, nb_round) for layer in LAST_LAYERS for network in (layer.plain, layer.labelled)]
