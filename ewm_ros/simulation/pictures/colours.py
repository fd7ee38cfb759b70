"""The robots' colours, the same in every picture."""

from __future__ import annotations

Colour = tuple[float, float, float]  # red, green, blue, each 0 to 1

# Paul Tol's "bright" and "vibrant" schemes, told apart by colour-blind eyes too; robots beyond ten take them again.
COLOURS: tuple[Colour, ...] = (
    (0.27, 0.47, 0.67), (0.93, 0.40, 0.47), (0.13, 0.53, 0.20), (0.93, 0.60, 0.20), (0.67, 0.20, 0.47),
    (0.40, 0.80, 0.93), (0.80, 0.20, 0.07), (0.00, 0.60, 0.53), (0.80, 0.73, 0.27), (0.40, 0.40, 0.45),
)  # fmt: skip
