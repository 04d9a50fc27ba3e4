"""The size of an image as a registry would hold it."""

import json
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Any


def compressed_size(image: str) -> int:
    """Return the bytes of all layers of a local image, compressed with gzip by BuildKit."""
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "image.tar"
        output = f"type=oci,dest={archive},compression=gzip,force-compression=true"
        # One line that changes nothing: an image of the store can only be exported by a build.
        subprocess.run(
            ["docker", "buildx", "build", "--quiet", "--provenance=false", "--output", output, "-"],
            input=f"FROM {image}\n",
            text=True,
            capture_output=True,
            check=True,
        )
        with tarfile.open(archive) as layout:
            return sum(layer["size"] for layer in layers(layout))


def layers(layout: tarfile.TarFile) -> list[dict[str, Any]]:
    """Return the descriptors of the layers in an OCI layout of one image."""
    [manifest] = _read(layout, "index.json")["manifests"]
    algorithm, _, digest = manifest["digest"].partition(":")
    found: list[dict[str, Any]] = _read(layout, f"blobs/{algorithm}/{digest}")["layers"]
    return found


def _read(layout: tarfile.TarFile, name: str) -> Any:
    file = layout.extractfile(name)  # None for what is no file
    return json.load(file) if file else None
