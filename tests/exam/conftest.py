"""The sample bank: two files with all three kinds, linked sets, math, code and a figure."""

from pathlib import Path

import pytest

from utils import runtime
from utils.exam import bank

FIXTURES = Path(__file__).parent / "fixtures"


@pytest.fixture(params=["01_convolution", "07_rnn_bptt"])
def sample(request):
    """One chapter of the sample bank."""
    return bank.load_file(FIXTURES / f"{request.param}.yaml")


@pytest.fixture(scope="session")
def convolution():
    return bank.load_file(FIXTURES / "01_convolution.yaml")


@pytest.fixture(scope="session")
def rnn():
    return bank.load_file(FIXTURES / "07_rnn_bptt.yaml")


@pytest.fixture
def japanese():
    """Speak Japanese in one test."""
    kept = runtime.language()
    runtime.set_language("ja")
    yield
    runtime.set_language(kept)
