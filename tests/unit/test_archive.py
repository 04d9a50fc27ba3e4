import gzip
import hashlib
import io
import json
import tarfile

import pytest

from scoredock.archive import differences, read_archive
from scoredock.errors import EngineError


def packed(members):
    """A tar file of pairs of a member and its content."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for member, content in members:
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def member(name, *, mode=0o644, mtime=0, uid=0, type=tarfile.REGTYPE, linkname=""):  # noqa: A002
    found = tarfile.TarInfo(name)
    found.mode, found.mtime, found.uid, found.type, found.linkname = (
        mode,
        mtime,
        uid,
        type,
        linkname,
    )
    return found


@pytest.fixture
def image(tmp_path):
    """Write an archive of an image with these layers, and read it."""

    def write(name, *layers, config=None):
        blobs = {f"blobs/{number}": gzip.compress(layer) for number, layer in enumerate(layers)}
        ids = ["sha256:" + hashlib.sha256(layer).hexdigest() for layer in layers]
        written = json.dumps({"config": config or {}, "rootfs": {"diff_ids": ids}}).encode()
        digest = hashlib.sha256(written).hexdigest()
        parts = {
            "index.json": json.dumps({"manifests": [{"digest": f"sha256:{digest}"}]}).encode(),
            "manifest.json": json.dumps(
                [{"Config": f"blobs/{digest}", "Layers": [*blobs]}]
            ).encode(),
            f"blobs/{digest}": written,
            **blobs,
        }
        path = tmp_path / f"{name}.tar"
        path.write_bytes(packed([(member(name), content) for name, content in parts.items()]))
        return read_archive(path)

    return write


@pytest.mark.parametrize(
    ("other", "line"),
    [
        ((member("a"), b"two"), "/a: content"),
        ((member("a", mode=0o755), b"one"), "/a: mode"),
        ((member("a", mtime=5, uid=7), b"one"), "/a: owner, time"),
        ((member("a", type=tarfile.SYMTYPE, linkname="b"), b""), "/a: kind, content"),
    ],
)
def test_a_path_that_differs_is_named_with_what_differs(image, other, line):
    base = packed([(member("base"), b"base")])
    first = image("first", base, packed([(member("a"), b"one"), (member("b"), b"same")]))
    second = image("second", base, packed([other, (member("b"), b"same")]))

    assert list(differences(first, second)) == [line]


def test_a_path_of_one_image_alone_is_named(image):
    first = image("first", packed([(member("a"), b"one")]))
    second = image("second", packed([(member("b"), b"one")]))

    assert list(differences(first, second)) == ["/a: only in the first", "/b: only in the second"]


def test_a_path_is_named_as_it_is_in_the_image(image):
    first = image("first", packed([(member("./.hidden."), b"one"), (member("a/.b/"), b"")]))

    assert list(differences(first, image("second"))) == [
        "/.hidden.: only in the first",
        "/a/.b: only in the first",
    ]


def test_the_same_layers_with_another_configuration_differ_in_that(image):
    layer = packed([(member("a"), b"one")])
    first = image("first", layer, config={"User": "0"})
    second = image("second", layer, config={"User": "1000"})

    assert list(differences(first, second)) == ["configuration User: 0 and 1000"]
    assert list(differences(first, first)) == []


def test_what_is_no_image_is_told_in_one_line(tmp_path):
    (tmp_path / "no.tar").write_bytes(b"no")

    with pytest.raises(EngineError, match=r"no\.tar: no archive of one image"):
        read_archive(tmp_path / "no.tar")
