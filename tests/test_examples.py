"""The digits of examples/digits.py: what it reaches, and that torch's same network reaches the same."""

import importlib.util
import pathlib

import numpy as np
import pytest

pytest.importorskip("sklearn")
PATH = pathlib.Path(__file__).parent.parent / "examples" / "digits.py"


@pytest.fixture(scope="module")
def digits():
    spec = importlib.util.spec_from_file_location("digits", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_it_learns_what_torch_learns(digits):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    (x, target), (new, truth) = digits.data()
    layers = digits.network(rng)
    twin = torch.nn.Sequential(
        torch.nn.Conv2d(1, 16, 3, padding=1), torch.nn.ReLU(), torch.nn.MaxPool2d(2),
        torch.nn.Conv2d(16, 32, 3, padding=1), torch.nn.ReLU(), torch.nn.AvgPool2d(2),
        torch.nn.Flatten(), torch.nn.Linear(128, 10),
    )  # fmt: skip
    with torch.no_grad():  # the same start
        for ours, theirs in ((layers[0], twin[0]), (layers[3], twin[3]), (layers[6], twin[7])):
            weight = ours.weight.T if ours.weight.ndim == 2 else ours.weight
            theirs.weight.copy_(torch.from_numpy(np.ascontiguousarray(weight)))
            theirs.bias.zero_()
    optimizer = torch.optim.SGD(twin.parameters(), 0.2)
    ours, theirs = [], []
    for i in [*range(28)] * 5:  # five times through the pictures, in order
        part = slice(50 * i, 50 * i + 50)
        ours.append(digits.step(layers, x[part], target[part], 0.2))
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(twin(torch.from_numpy(x[part])), torch.from_numpy(target[part]))
        loss.backward()
        optimizer.step()
        theirs.append(loss.item())
    np.testing.assert_allclose(ours[:28], theirs[:28], rtol=2e-3)
    reached = (digits.forward(layers, new).argmax(1) == truth).mean()
    expected = (twin(torch.from_numpy(new)).argmax(1).numpy() == truth).mean()
    assert np.mean(ours[-28:]) < 0.6 * np.mean(ours[:28])
    assert abs(reached - expected) < 0.02
