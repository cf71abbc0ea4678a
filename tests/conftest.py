"""TensorFlow without oneDNN, as in the chapters (utils.runtime sets the same): digits do not depend on the CPU."""

import os

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
