"""A block made of layers: its parameters and gradients are theirs, named "layer/parameter"."""


class Composite:
    """Base of blocks. A subclass fills `self.layers`, a dict from a name to a layer with `params` and `grads`.

    Attributes:
        params, grads: dicts that hold the layers' own arrays (change them in place), in the order of `layers`.
    """

    layers: dict

    @property
    def params(self):
        return {f"{name}/{key}": value for name, layer in self.layers.items() for key, value in layer.params.items()}

    @property
    def grads(self):
        return {f"{name}/{key}": value for name, layer in self.layers.items() for key, value in layer.grads.items()}
