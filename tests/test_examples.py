"""The examples do what they say: the digits are learnt as torch's same network learns them, volumes are halved."""

import importlib.util
import pathlib
import re
import subprocess
import sys

import numpy as np
import pytest

EXAMPLES = pathlib.Path(__file__).parent.parent / "examples"


@pytest.fixture(scope="module")
def digits():
    pytest.importorskip("sklearn")
    spec = importlib.util.spec_from_file_location("digits", EXAMPLES / "digits.py")
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


@pytest.mark.slow
def test_a_volume_larger_than_what_it_takes(tmp_path):
    zarr = pytest.importorskip("zarr")
    pytest.importorskip("dask")
    # By a shell, which forks: what was executed straight from here would begin with this process' peak for its own.
    script = ["sh", "-c", '"$@"; exit $?', "sh", sys.executable, EXAMPLES / "zarr_volume.py"]
    script += ["volume.zarr", "halved.zarr", "--gib", "1.25"]
    done = subprocess.run(script, cwd=tmp_path, check=True, capture_output=True, text=True)
    read, peak = re.search(r"(\d+) MiB read, at most (\d+) MiB", done.stdout).groups()
    assert "100% Completed" in done.stdout
    assert int(peak) < int(read)
    halved, slab = (zarr.open_array(tmp_path / name, mode="r") for name in ("halved.zarr", "volume.zarr"))
    expected = slab[:4, :4, :4].reshape(2, 2, 2, 2, 2, 2).mean(axis=(1, 3, 5))
    np.testing.assert_array_equal(halved[:2, :2, :2], np.rint(expected))
