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

    def set_params(self, arrays):
        """Copy arrays into the parameters, in their order (for instance `layer.get_weights()` of Keras).

        Raises:
            ValueError: if there are more or fewer, or a shape differs.
        """
        arrays, params = list(arrays), self.params
        if len(arrays) != len(params):
            raise ValueError(f"there are {len(params)} parameters, got {len(arrays)} arrays")
        for (name, mine), given in zip(params.items(), arrays, strict=True):
            if mine.shape != given.shape:
                raise ValueError(f"{name} has shape {mine.shape}, got an array of {given.shape}")
        for mine, given in zip(params.values(), arrays, strict=True):
            mine[...] = given
