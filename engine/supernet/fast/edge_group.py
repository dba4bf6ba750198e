"""Weights and running statistics of the same convolutions on several edges, side by side."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from engine.genotype.primitives import PrimitiveDeclaration
from engine.supernet.fast.normalization import EdgesNorm
from engine.supernet.fast.stacking import NamedPlaces, edge_places, norm_places, stacked_parameter


class Convolution(nn.Module):
    """One primitive of the kind ``relu_dw_pw_bn`` on E edges: its weights and running statistics, stacked.

    Args:
        modules: the primitive as ``build_primitive`` gives it, one for each edge.
    """

    def __init__(self, declared: PrimitiveDeclaration, modules: Sequence[nn.Module], stride: int) -> None:
        super().__init__()
        self.repeats = declared.repeats
        self.stride = stride
        self.dilation = declared.dilation
        for time in range(1, self.repeats + 1):
            for part in (f"dw{time}", f"pw{time}"):
                weights = [module.get_parameter(f"{part}.weight") for module in modules]
                self.register_parameter(part, stacked_parameter(weights))
            norms = [module.get_submodule(f"bn{time}") for module in modules]
            self.add_module(f"bn{time}", EdgesNorm(norms))

    def weights(self) -> list[Tensor]:
        """Depthwise and pointwise weights in turn."""
        return [getattr(self, f"{part}{time}") for time in range(1, self.repeats + 1) for part in ("dw", "pw")]

    def norms(self) -> list[EdgesNorm]:
        return [getattr(self, f"bn{time}") for time in range(1, self.repeats + 1)]

    def places(self, edges: Sequence[str]) -> NamedPlaces:
        for time in range(1, self.repeats + 1):
            for part in (f"dw{time}", f"pw{time}"):
                yield from edge_places(self, part, [f"{edge}.{part}.weight" for edge in edges])
            yield from norm_places(getattr(self, f"bn{time}"), [f"{edge}.bn{time}" for edge in edges])


class EdgeGroup(nn.Module):
    """The same primitives on E edges side by side."""

    def __init__(self, primitives: Sequence[PrimitiveDeclaration], edges: Sequence[nn.Module], stride: int) -> None:
        super().__init__()
        self.edges = len(edges)
        for declared in primitives:
            modules = [edge.get_submodule(declared.name) for edge in edges]
            self.add_module(declared.name, Convolution(declared, modules, stride))

    def convolutions(self) -> list[Convolution]:
        return list(self.children())  # type: ignore[arg-type]

    def weights(self) -> list[Tensor]:
        """Depthwise and pointwise weights of all convolutions in turn."""
        return [weight for convolution in self.convolutions() for weight in convolution.weights()]

    def norms(self) -> list[EdgesNorm]:
        return [norm for convolution in self.convolutions() for norm in convolution.norms()]

    def places(self, edges: Sequence[str]) -> NamedPlaces:
        for name, convolution in zip(self._modules, self.convolutions(), strict=True):
            yield from convolution.places([f"{edge}.{name}" for edge in edges])
