"""The backbone my_backbone."""

from torch import cat, nn

from methods.aggregate import aggregate
from methods.backbones.network import Convolution, Network
from methods.invariance import Layer
from methods.plugin import register


@register("backbone", "my_backbone")
class MyBackbone(Network):
    """Each node beside its difference from the mean of its neighbours, which heterophilous graphs need."""

    def convolution(self, in_features, out_features, last):
        return DifferenceConvolution(in_features, out_features)

    def mixer(self, width):
        return OwnAndDifference(), 2 * width


class DifferenceConvolution(Convolution):
    """W_own x + W_difference (x - mean(x)) + b."""

    def __init__(self, in_features, out_features):
        super().__init__()
        self.own = nn.Linear(in_features, out_features)
        self.difference = nn.Linear(in_features, out_features, bias=False)

    def forward(self, x, adjacency):
        return self.own(x) + self.difference(x - aggregate(adjacency.normalized("mean"), x))

    def layers(self):
        return [Layer((self.own.weight, self.difference.weight), biases=(self.own.bias,))]


class OwnAndDifference(Convolution):
    """[x, x - mean(x)], for the block style `feed_forward`."""

    def forward(self, x, adjacency):
        return cat([x, x - aggregate(adjacency.normalized("mean"), x)], dim=1)
