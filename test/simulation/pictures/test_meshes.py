"""Surfaces are closed, look outwards and are where they are put."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from ewm_ros.geometry import FloatArray
from ewm_ros.simulation.pictures.meshes import Mesh, ball, box, disc, drum, joined, upright

SOLIDS = {"box": box(2.0, 1.0, 0.5), "drum": drum(0.7, 1.2), "ball": ball(0.8)}


def faces(mesh: Mesh) -> tuple[FloatArray, FloatArray]:
    """Middle (T, 3) and area vector (T, 3), m^2, of each triangle."""
    corners = mesh.points[mesh.triangles]
    areas = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]) / 2
    return corners.mean(axis=1), areas


def volume(mesh: Mesh) -> float:
    """m^3, by the divergence theorem: right only if the surface is closed and looks outwards."""
    middles, areas = faces(mesh)
    return float((middles * areas).sum() / 3)


@pytest.mark.parametrize(
    ("name", "expected", "tolerance"),
    [("box", 1.0, 1e-12), ("drum", math.pi * 0.7**2 * 1.2, 0.01), ("ball", 4 / 3 * math.pi * 0.8**3, 0.03)],
)
def test_solids_are_closed_and_enclose_their_volume(name: str, expected: float, tolerance: float) -> None:
    _, areas = faces(SOLIDS[name])
    assert np.abs(areas.sum(axis=0)).max() < 1e-12
    assert volume(SOLIDS[name]) == pytest.approx(expected, rel=tolerance)


@pytest.mark.parametrize("name", SOLIDS)
def test_normals_have_length_one_and_point_to_the_side_that_is_seen(name: str) -> None:
    mesh = SOLIDS[name]
    assert np.linalg.norm(mesh.normals, axis=1) == pytest.approx(1.0)
    _, areas = faces(mesh)
    along = np.einsum("tk,tck->tc", areas, mesh.normals[mesh.triangles])
    assert (along[np.linalg.norm(areas, axis=1) > 1e-9] > 0.0).all()


def test_a_disc_is_flat_and_seen_from_above() -> None:
    _, areas = faces(disc(0.5))
    assert (areas[:, 2] > 0.0).all()
    assert areas.sum(axis=0) == pytest.approx([0.0, 0.0, math.pi * 0.25], rel=0.01)


def test_a_surface_moves_and_turns_as_a_whole() -> None:
    moved = box(2.0, 1.0, 0.5).moved(upright(3.0, -4.0, 0.25, math.pi / 2))
    assert moved.points.min(axis=0) == pytest.approx([2.5, -5.0, 0.0])
    assert moved.points.max(axis=0) == pytest.approx([3.5, -3.0, 0.5])
    assert volume(moved) == pytest.approx(1.0)


def test_surfaces_are_joined_with_all_their_triangles() -> None:
    both = joined([SOLIDS["box"], SOLIDS["drum"]])
    assert len(both.triangles) == len(SOLIDS["box"].triangles) + len(SOLIDS["drum"].triangles)
    assert volume(both) == pytest.approx(volume(SOLIDS["box"]) + volume(SOLIDS["drum"]))


def test_a_file_holds_the_surface_as_it_is(tmp_path: Path) -> None:
    mesh = SOLIDS["drum"]
    mesh.write(tmp_path / "drum.obj")
    rows: dict[str, list[list[str]]] = {"v": [], "vn": [], "f": []}
    for line in (tmp_path / "drum.obj").read_text().splitlines():
        kind, *rest = line.split()
        rows[kind].append(rest)
    assert np.array(rows["v"], dtype=float) == pytest.approx(mesh.points, abs=1e-6)
    assert np.array(rows["vn"], dtype=float) == pytest.approx(mesh.normals, abs=1e-6)
    corners = [[[int(number) for number in corner.split("//")] for corner in face] for face in rows["f"]]
    assert np.array_equal(np.array(corners)[:, :, 0], mesh.triangles + 1)
    assert np.array_equal(np.array(corners)[:, :, 1], mesh.triangles + 1)
