"""What robots run is the model that was trained, and nothing else reaches its folder."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from made_up_data import tiny_config

from ewm_ros.errors import InputError
from ewm_ros.world_model.layout import LAYOUT, MEDIAN, RADIUS, STATE_DIM
from ewm_ros.world_model.network_runtime import CONFIG, NETWORK, Network

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

from ewm_ros.world_model.training import export as exporting  # noqa: E402
from ewm_ros.world_model.training.export import AGREEMENT, WEIGHTS, disagreement, export, load_model  # noqa: E402
from ewm_ros.world_model.training.trainer import make_model  # noqa: E402

SETTINGS = tiny_config()


def random_model(seed: int):
    """As if trained: all weights count."""
    torch.manual_seed(seed)
    model = make_model(SETTINGS.architecture)
    with torch.no_grad():
        for head in (model.decoder[-1], model.policy[-1], model.chances[-1]):
            head.weight.normal_(0.0, 0.3)
            head.bias.normal_(0.0, 0.3)
    return model.eval()


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory):
    """A model and its folder."""
    model, folder = random_model(0), tmp_path_factory.mktemp("model") / "made" / "up"
    export(model, folder, SETTINGS, {"config_sha256": SETTINGS.fingerprint, "data_sha256": ["ab"]})
    return model, folder


def test_the_folder_holds_weights_network_and_configuration_only(exported) -> None:
    _, folder = exported
    assert {path.name for path in folder.iterdir()} == {WEIGHTS, NETWORK, CONFIG}
    about = json.loads((folder / CONFIG).read_text())
    assert about["layout"] == LAYOUT
    assert about["architecture"] == SETTINGS.architecture.model_dump()
    assert (about["config_sha256"], about["data_sha256"]) == (SETTINGS.fingerprint, ["ab"])


def test_robots_get_what_the_model_says_in_metres_and_probabilities(exported) -> None:
    model, folder = exported
    state = np.random.default_rng(5).uniform(0.0, 1.0, STATE_DIM)
    told, probabilities = Network(folder).run(state)
    with torch.no_grad():
        futures, odds, _ = model.imagine(torch.from_numpy(state).float()[None])
    expected = futures[0].numpy()
    expected[..., (MEDIAN, RADIUS)] = np.exp(expected[..., (MEDIAN, RADIUS)])
    assert told == pytest.approx(expected, abs=1e-4)
    assert probabilities == pytest.approx(odds.softmax(-1)[0].numpy(), abs=1e-5)
    assert probabilities.sum() == pytest.approx(1.0, abs=1e-5)
    assert disagreement(model, folder) < 1e-4


def test_a_network_of_other_weights_is_found_out(exported, tmp_path: Path) -> None:
    model, folder = exported
    for file in (NETWORK, CONFIG):
        (tmp_path / file).write_bytes((folder / file).read_bytes())
    network = onnx.load(tmp_path / NETWORK)
    tensor = max(network.graph.initializer, key=lambda t: len(t.raw_data))
    values = np.frombuffer(tensor.raw_data, np.float32).copy()
    values *= 1.05
    tensor.raw_data = values.tobytes()
    onnx.save(network, tmp_path / NETWORK)
    assert disagreement(model, tmp_path) > AGREEMENT


def test_an_export_that_differs_is_refused_and_what_was_there_stays(exported, tmp_path: Path, monkeypatch) -> None:
    _, folder = exported
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    wrong = random_model(7)
    write = exporting._write_network
    monkeypatch.setattr(exporting, "_write_network", lambda model, path: write(wrong, path))
    for target in (folder, tmp_path / "new"):
        with pytest.raises(InputError, match="the exported network differs from the trained model by"):
            export(random_model(1), target, SETTINGS, {})
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert list((tmp_path / "new").iterdir()) == []


def test_the_weights_can_be_loaded_again(exported) -> None:
    model, folder = exported
    again = load_model(folder)
    assert not again.training
    for name, value in model.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name


@pytest.mark.parametrize(
    ("file", "content", "culprit"),
    [
        (WEIGHTS, b"", f"{WEIGHTS} cannot be read or does not fit"),
        (WEIGHTS, None, f"{WEIGHTS} cannot be read or does not fit"),
        (CONFIG, b"{}", f"{CONFIG} does not say its sizes"),
        (CONFIG, b'{"architecture": {"latent_dim": 3}}', f"{CONFIG} does not say its sizes"),
        (CONFIG, b'{"architecture": {"latent_dim": 24, "hidden_dim": 16, "rollouts": 3}}', "does not fit"),
        (CONFIG, None, f"{CONFIG} does not say its sizes"),
    ],
)
def test_a_folder_that_is_damaged_is_refused_by_name(
    file: str, content: bytes | None, culprit: str, exported, tmp_path: Path
) -> None:
    _, folder = exported
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / file).unlink()
    if content is not None:
        (tmp_path / file).write_bytes(content)
    with pytest.raises(InputError) as refused:
        load_model(tmp_path)
    assert culprit in str(refused.value)
    assert str(tmp_path) in str(refused.value)


def test_a_folder_that_cannot_be_written_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=f"model folder {tmp_path}/file/model cannot be written"):
        export(random_model(0), tmp_path / "file" / "model", SETTINGS, {})


def test_torchs_remarks_on_its_old_exporter_are_kept_from_the_user_and_no_others(tmp_path: Path, monkeypatch) -> None:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        export(random_model(0), tmp_path, SETTINGS, {})
        assert [str(warning.message) for warning in told] == []

        def fail(*_: object, **__: object) -> None:
            warnings.warn("the sky falls", DeprecationWarning, stacklevel=1)

        monkeypatch.setattr(torch.onnx, "export", fail)
        with pytest.raises(InputError):
            export(random_model(0), tmp_path / "second", SETTINGS, {})
    assert [str(warning.message) for warning in told] == ["the sky falls"]


def test_without_onnx_a_training_is_not_even_begun(tmp_path: Path) -> None:
    program = (
        "import sys; sys.modules['onnx'] = None; from ewm_ros.cli.app import main; "
        f"sys.exit(main(['train', '--data', '{tmp_path}']))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (2, "ewm: training needs onnx: pip install ewm-ros[train]\n")
