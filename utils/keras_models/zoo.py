"""Every network by name: `zoo.build("resnet50", classes=10)`."""

from utils.keras_models import (
    alexnet,
    checks,
    densenet,
    googlenet,
    lenet,
    mobilenet,
    mobilenet_v2,
    module_network,
    nin,
    pyramidnet,
    resnet,
    resnet_v2,
    resnext,
    vgg,
    wide_resnet,
    xception,
    zfnet,
)

NETWORKS = {
    "lenet": lenet.lenet,
    "alexnet": alexnet.alexnet,
    "zfnet": zfnet.zfnet,
    "zfnet_gap": zfnet.zfnet_gap,
    "nin": nin.nin,
    "vgg16": vgg.vgg16,
    "vgg19": vgg.vgg19,
    "googlenet": googlenet.googlenet,
    "resnet18": resnet.resnet18,
    "resnet34": resnet.resnet34,
    "resnet50": resnet.resnet50,
    "resnet101": resnet.resnet101,
    "resnet152": resnet.resnet152,
    "resnet50v2": resnet_v2.resnet50v2,
    "resnet101v2": resnet_v2.resnet101v2,
    "resnet152v2": resnet_v2.resnet152v2,
    "wide_resnet": wide_resnet.wide_resnet,
    "wide_resnet50_2": wide_resnet.wide_resnet50_2,
    "pyramidnet": pyramidnet.pyramidnet,
    "resnext50_32x4d": resnext.resnext50_32x4d,
    "resnext101_32x4d": resnext.resnext101_32x4d,
    "resnext101_32x8d": resnext.resnext101_32x8d,
    "xception": xception.xception,
    "densenet121": densenet.densenet121,
    "densenet169": densenet.densenet169,
    "densenet201": densenet.densenet201,
    "densenet264": densenet.densenet264,
    "small_densenet": densenet.small_densenet,
    "mobilenet": mobilenet.mobilenet,
    "mobilenet_v2": mobilenet_v2.mobilenet_v2,
    "module_network": module_network.module_network,
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
