"""The quantizer my_quantizer."""

import torch

from methods.plugin import register
from methods.quantizers.quantization_aware import QuantizationAware
from methods.quantizers.site import RangeSite


@register("quantizer", "my_quantizer")
class MyQuantizer(QuantizationAware):
    """Grids over the mean plus and minus three standard deviations; entries outside are clipped."""

    def make_site(self, x, bits, role):
        return ThreeDeviations(x, bits)


class ThreeDeviations(RangeSite):
    """A grid that a few large entries cannot stretch."""

    def measure(self, x):
        low, high = super().measure(x)
        if x.numel() < 2:
            return low, high
        mean, three = x.mean(), 3 * x.std()
        return torch.maximum(low, mean - three), torch.minimum(high, mean + three)
