"""Every network by name: `zoo.build("resnet50", classes=10)`."""

from utils.keras_models import checks, densenet, mobilenet, mobilenet_v2, resnet

NETWORKS = {
    "resnet18": resnet.resnet18,
    "resnet34": resnet.resnet34,
    "resnet50": resnet.resnet50,
    "resnet101": resnet.resnet101,
    "resnet152": resnet.resnet152,
    "densenet121": densenet.densenet121,
    "densenet169": densenet.densenet169,
    "densenet201": densenet.densenet201,
    "densenet264": densenet.densenet264,
    "small_densenet": densenet.small_densenet,
    "mobilenet": mobilenet.mobilenet,
    "mobilenet_v2": mobilenet_v2.mobilenet_v2,
}


def build(name, **options):
    """The network of that name.

    Args:
        name: a key of `NETWORKS`.
        options: of the builder; all take `input_shape`, `classes`, `classifier_activation`.

    Raises:
        ValueError: for an unknown name, with the nearest one.
    """
    return NETWORKS[checks.variant("name", name, NETWORKS)](**options)
