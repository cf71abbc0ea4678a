"""Copy all weights from one network into another by structure: what feeds what, of which type, with which shapes.

Layer names play no part. Both graphs are numbered from the inputs up: a layer's number stands for its type, the shapes
of its weights and the numbers of what feeds it, so two layers share a number exactly if everything below them is alike.
Layers without weights and with one input (activation, padding, pooling, dropout) pass their input's number on. Then
both graphs are walked from the outputs down, and the weights of layers that meet are copied.
"""

import keras

COMMUTATIVE = ("Add", "Multiply", "Average", "Maximum", "Minimum")


def transfer(source, target):
    """Give `target` all weights of `source`.

    The branches of a sum are told apart by what they hold; those of a concatenation by their order. A dense layer and a
    1×1 convolution are the same thing here: a classifier can be written as either.

    Args:
        source, target: built functional (or Sequential) keras.Models in which each layer is used once.

    Returns:
        list of pairs (source layer's name, target layer's name), in the order they were met, from the outputs down.

    Raises:
        TypeError: if one is no keras.Model.  ValueError: where the networks first differ, naming both layers and their
            weights; nothing is copied then.
    """
    numbers = {}
    mine, theirs = _Graph(source, numbers), _Graph(target, numbers)
    if len(mine.outputs) != len(theirs.outputs):
        raise ValueError(f"{source.name!r} has {len(mine.outputs)} outputs, {target.name!r} has {len(theirs.outputs)}")
    pairs = _pairs(mine, theirs)
    for layer, other in pairs:
        for weight, twin in zip(layer.weights, other.weights, strict=True):
            value = weight.value
            twin.assign(value if weight.shape == twin.shape else keras.ops.reshape(value, twin.shape))
    return [(layer.name, other.name) for layer, other in pairs]


class _Graph:
    """A model as nodes that hold weights or join branches; `numbers` is shared by the graphs that are compared."""

    def __init__(self, model, numbers):
        if not isinstance(model, keras.Model):
            raise TypeError(f"weights are transferred between keras.Models, got {type(model).__name__}")
        if not model.built or not getattr(model, "outputs", None):
            raise ValueError(f"{model.name!r} has no graph yet; build it with keras.Input")
        operations = getattr(model, "operations", model.layers)  # a Sequential names only its layers
        self.kind, self.feeds, self.number, self.layer = {}, {}, {}, {}  # by node: the id of its output tensor
        passed = {}  # tensor → the node whose values it carries on
        for place, tensor in enumerate(model.inputs):
            passed[id(tensor)] = self._node(tensor, None, ("input", place), (), numbers)
        for operation in operations:
            if isinstance(operation, keras.layers.InputLayer):
                continue
            feeds = [passed[id(tensor)] for tensor in keras.tree.flatten(operation.input)]
            for tensor in keras.tree.flatten(operation.output):
                if not getattr(operation, "weights", ()) and len(feeds) == 1:
                    passed[id(tensor)] = feeds[0]
                else:
                    passed[id(tensor)] = self._node(tensor, operation, _kind(operation), feeds, numbers)
        self.outputs = [passed[id(tensor)] for tensor in model.outputs]

    def _node(self, tensor, operation, kind, feeds, numbers):
        node = id(tensor)
        below = [self.number[feed] for feed in feeds]
        key = (kind, *(sorted(below) if kind[0] in COMMUTATIVE else below))
        self.kind[node], self.feeds[node], self.layer[node] = kind, list(feeds), operation
        self.number[node] = numbers.setdefault(key, len(numbers))
        return node

    def nearby(self, node, depth):
        """The kinds of a node and of what feeds it, `depth` steps down."""
        below = [self.nearby(feed, depth - 1) for feed in self.feeds[node]] if depth else []
        return repr((self.kind[node], sorted(below) if self.kind[node][0] in COMMUTATIVE else below))

    def describe(self, node):
        layer = self.layer[node]
        if layer is None:
            return "the image"
        shapes = ", ".join(f"{weight.name} {tuple(weight.shape)}" for weight in getattr(layer, "weights", ()))
        return f"{layer.name!r} ({type(layer).__name__}{': ' + shapes if shapes else ''})"


def _kind(operation):
    """Type and weights, so that equal kinds can exchange their weights."""
    name = type(operation).__name__
    weights = [(weight.name, tuple(weight.shape)) for weight in getattr(operation, "weights", ())]
    if name == "Dense":  # a 1×1 convolution on a 1×1 map
        name = "Conv2D"
        weights = [(role, (1, 1, *shape) if role == "kernel" else shape) for role, shape in weights]
    return name, *weights


def _pairs(mine, theirs):
    """[(layer, its twin)] for all layers with weights; every node is visited once."""
    pairs, twin = [], {}
    stack = list(zip(mine.outputs, theirs.outputs, strict=True))[::-1]
    while stack:
        node, other = stack.pop()
        if node in twin:
            if twin[node] != other:
                raise ValueError(f"{mine.describe(node)} feeds two places where the other network has two layers")
            continue
        twin[node] = other
        if mine.kind[node] != theirs.kind[other] or len(mine.feeds[node]) != len(theirs.feeds[other]):
            raise ValueError(
                f"the networks differ, seen from their outputs, at {mine.describe(node)} of the source and "
                f"{theirs.describe(other)} of the target"
            )
        if mine.layer[node] is not None and getattr(mine.layer[node], "weights", ()):
            pairs.append((mine.layer[node], theirs.layer[other]))
        stack += _branches(mine, node, theirs, other)[::-1]
    return pairs


def _branches(mine, node, theirs, other):
    """What feeds two nodes, paired: by order, or, where the order does not matter, by likeness."""
    ours, others = mine.feeds[node], theirs.feeds[other]
    if mine.kind[node][0] not in COMMUTATIVE:
        return list(zip(ours, others, strict=True))
    if sorted(map(mine.number.get, ours)) == sorted(map(theirs.number.get, others)):
        ours, others = sorted(ours, key=mine.number.get), sorted(others, key=theirs.number.get)
    else:  # they differ somewhere below: pair what looks alike as far down as possible, to name the right layers
        ours, others = _alike(mine, ours, theirs, others)
    return list(zip(ours, others, strict=True))


def _alike(mine, ours, theirs, others):
    """The same two lists, ordered so that those stand together whose surroundings agree the furthest down."""
    ours, others, paired = list(ours), list(others), []
    for depth in range(8, -1, -1):
        for node in list(ours):
            found = [other for other in others if theirs.nearby(other, depth) == mine.nearby(node, depth)]
            if found:
                paired.append((node, found[0]))
                ours.remove(node)
                others.remove(found[0])
    return zip(*paired, *zip(ours, others, strict=True), strict=True)
