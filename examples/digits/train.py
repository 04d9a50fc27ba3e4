"""Train the digit model that this example serves, from scikit-learn's own bundled digits.

Needs no network. The bundled digits are 8 x 8; MNIST's are 28 x 28, 20 pixels at their longest
side and centred by mass. So each digit is enlarged to that shape, once as it is and then again in
random poses. Two runs on one machine write the same bytes.
"""

import argparse
import os
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from threadpoolctl import threadpool_limits

OUTPUT = Path(__file__).parent / "models/sklearn_mnist/1/sklearn_mnist_model.pkl"
SEED = 0
POSES_PER_DIGIT = 14
SIDE = 28
LONGEST = 20  # pixels, as in MNIST
INK = 0.4  # a cell of the small digit that is darker than this belongs to its outline

Pictures = NDArray[np.float32]
Rows = tuple[Pictures, NDArray[np.int64]]  # with the digit that each row shows


# How people write: upright or leaning right, narrow or wide, thin or thick, a little off centre.
POSES = {
    "slant": (0.0, 0.6),
    "turn": (-0.17, 0.17),  # radians
    "width": (0.8, 1.3),  # times the digit's own
    "paper": (0.3, 0.6),  # the grey between paper and ink: lower makes a thicker stroke
    "down": (-1.0, 1.0),  # pixels
    "right": (-1.0, 1.0),
}
AS_WRITTEN = {"slant": 0.0, "turn": 0.0, "width": 1.0, "paper": 0.45, "down": 0.0, "right": 0.0}


def enlarge(digit: NDArray[np.float64], pose: dict[str, float]) -> Pictures:
    """Return an 8 x 8 digit as the 784 pixels, 0 to 1, of an MNIST-like picture."""
    cos, sin = np.cos(pose["turn"]), np.sin(pose["turn"])
    lean = np.array([[1, 0], [-pose["slant"], pose["width"]]])
    to_page = np.array([[cos, -sin], [sin, cos]]) @ lean
    outline = np.argwhere(digit > INK) @ to_page.T
    to_page *= LONGEST / (np.ptp(outline, axis=0) + 1).max()

    to_digit = np.linalg.inv(to_page)
    middle = np.array([pose["down"], pose["right"]]) + (SIDE - 1) / 2
    offset = np.array(ndimage.center_of_mass(digit)) - to_digit @ middle
    page = ndimage.affine_transform(digit, to_digit, offset, output_shape=(SIDE, SIDE))
    # Enlarging blurs; twice the contrast brings back MNIST's sharp strokes with grey rims.
    return np.clip(2 * (page - pose["paper"]) + 0.5, 0, 1).ravel().astype(np.float32)


def load_split(seed: int) -> list[NDArray[Any]]:
    """Return digits to train on, digits held out, and the labels of each, before any posing."""
    digits = load_digits()
    return train_test_split(
        digits.images / 16, digits.target, test_size=0.2, stratify=digits.target, random_state=seed
    )


def as_written(digits: NDArray[np.float64]) -> Pictures:
    """Return one picture of every digit, upright and centred."""
    return np.array([enlarge(digit, AS_WRITTEN) for digit in digits])


def posed(digits: NDArray[np.float64], labels: NDArray[np.int64], copies: int, seed: int) -> Rows:
    """Return `copies` pictures of every digit, each in a random pose of its own."""
    rng = np.random.default_rng(seed)
    pictures = [
        enlarge(digit, {name: rng.uniform(*limits) for name, limits in POSES.items()})
        for _ in range(copies)
        for digit in digits
    ]
    return np.array(pictures), np.tile(labels, copies)


def training_set(seed: int = SEED) -> Rows:
    """Return every row that the model is fitted to."""
    digits, _, labels, _ = load_split(seed)
    more_pictures, more_labels = posed(digits, labels, POSES_PER_DIGIT, seed)
    return np.vstack([as_written(digits), more_pictures]), np.concatenate([labels, more_labels])


def fit(seed: int = SEED) -> LogisticRegression:
    """Fit the model; one thread, because sums split over threads round differently."""
    with threadpool_limits(limits=1):
        model = LogisticRegression(tol=1e-3, max_iter=400).fit(*training_set(seed))
    model.coef_ = model.coef_.astype(np.float32)  # halves the file
    return model


def report(model: LogisticRegression, seed: int = SEED) -> str:
    """Say how many of the digits held out from training the model reads correctly."""
    _, digits, _, labels = load_split(seed)
    plain = model.score(as_written(digits), labels)
    varied = model.score(*posed(digits, labels, 5, seed + 1))
    return f"held-out accuracy: {plain:.3f} as written, {varied:.3f} posed ({len(digits)} digits)"


def write(model: LogisticRegression, output: Path) -> None:
    """Replace `output` in one step, so that a server never loads half a file."""
    output.parent.mkdir(parents=True, exist_ok=True)
    partial = output.with_name(f".{output.name}.{os.getpid()}")
    try:
        joblib.dump(model, partial)
        partial.replace(output)
    finally:
        partial.unlink(missing_ok=True)


def main() -> None:
    """Train, report and write the model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=OUTPUT, help="file to write (%(default)s)")
    output = parser.parse_args().output

    model = fit()
    print(report(model))
    write(model, output)
    print(f"wrote {output} ({output.stat().st_size / 1000:.0f} kB)")


if __name__ == "__main__":
    main()
