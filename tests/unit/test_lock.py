from dataclasses import replace

import pytest
import yaml

from scoredock.errors import LockError
from scoredock.lock import (
    LABEL,
    Lock,
    LockedImage,
    MadeFrom,
    lines_of_label,
    lock_text,
    moved,
    parse_lock,
    stale,
)

DIGEST = "sha256:" + "0f" * 32
MADE_FROM = MadeFrom(spec="11", template="22 33", kit="0.1.0 44")
RECORD = {
    "name": "python",
    "version": "3.10",
    "build": "h1_0",
    "build_number": 0,
    "channel": "conda-forge",
    "subdir": "linux-64",
    "file_name": "python-3.10-h1_0.conda",
    "sha256": "ab" * 32,
    "depends": [],
}
LOCK = Lock(
    made_from=MADE_FROM,
    platform="linux/amd64",
    images={"BASE_IMAGE": LockedImage(name="python:3.11", digest=DIGEST, found_in="registry")},
    conda=(RECORD,),
    pip={"numpy==2.2.6": ["sha256:" + "22" * 32, "sha256:" + "11" * 32], "flask==3.1.0": [DIGEST]},
    build={"flit-core==3.12.0": [DIGEST]},
)


def test_a_lock_is_read_as_it_was_written():
    text = lock_text(LOCK)

    assert lock_text(parse_lock(text, path="scoredock.lock")) == text
    assert parse_lock(text, path="scoredock.lock").conda[0]["version"] == "3.10"


def test_the_text_does_not_depend_on_the_order_in_which_things_were_found():
    other = replace(
        LOCK,
        pip={pin: list(reversed(hashes)) for pin, hashes in reversed(LOCK.pip.items())},
        conda=tuple(reversed(({**RECORD, "name": "bzip2"}, RECORD))),
    )
    same = replace(LOCK, conda=({**RECORD, "name": "bzip2"}, RECORD))

    assert lock_text(other) == lock_text(same)


def test_a_lock_has_no_url():
    assert "://" not in lock_text(LOCK)


def test_an_image_of_a_registry_is_named_with_its_digest_and_the_engines_own_is_not():
    [image] = LOCK.images.values()

    assert image.reference == f"python:3.11@{DIGEST}"
    assert replace(image, found_in="engine").reference == "python:3.11"


def test_an_image_that_was_named_with_a_digest_keeps_its_name():
    [image] = LOCK.images.values()

    assert replace(image, name=f"python@{DIGEST}").reference == f"python@{DIGEST}"


def changed(**keys):
    return yaml.safe_dump({**yaml.safe_load(lock_text(LOCK)), **keys})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[", "while parsing"),
        ("{}", "it has no version"),
        (changed(version=2), "expected version 1, found 2"),
        (changed(platform=None, images=3), "AttributeError"),
        (changed(made_from={"spec": "1"}), "TypeError"),
        (changed(pip={"flask": [DIGEST]}), "expected name==version, found 'flask'"),
        (changed(pip={"flask @ https://example.com/f": [DIGEST]}), "expected name==version"),
        (changed(pip={"flask==3.1.0": []}), "expected sha256:… for flask==3.1.0"),
        (changed(pip={"flask==3.1.0 --no-index": [DIGEST]}), "expected name==version"),
        (changed(build={"flit-core==3.12.0": ["md5:1"]}), "expected sha256:… for flit-core"),
        (changed(conda=[{**RECORD, "sha256": "ab"}]), "expected the sha256 of python"),
    ],
)
def test_what_is_no_lock_is_refused_in_one_line(text, message):
    with pytest.raises(LockError) as caught:
        parse_lock(text, path="scoredock.lock")

    assert str(caught.value).startswith("scoredock.lock: cannot be used: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 4


IMAGES = {"BASE_IMAGE": "python:3.11"}


@pytest.mark.parametrize(
    ("now", "line"),
    [
        ({"made_from": replace(MADE_FROM, spec="12")}, "spec: 12, locked for 11"),
        ({"made_from": replace(MADE_FROM, template="23 33")}, "template: 23 33, locked for 22 33"),
        ({"made_from": replace(MADE_FROM, kit="0.2 45")}, "kit: 0.2 45, locked for 0.1.0 44"),
        ({"images": {"BASE_IMAGE": "mine:1"}}, "BASE_IMAGE: mine:1, locked for python:3.11"),
        ({"images": {}}, "BASE_IMAGE: none, locked for python:3.11"),
        ({"platform": "linux/arm64"}, "platform: linux/arm64, locked for linux/amd64"),
    ],
)
def test_each_thing_that_has_moved_has_its_line(now, line):
    here = {"made_from": MADE_FROM, "images": IMAGES, "platform": ""}

    assert moved(LOCK, **here) == []
    assert moved(LOCK, **{**here, **now}) == [line]


@pytest.mark.parametrize(
    ("label", "lines"),
    [
        ('{"spec": "1", "kit": "2"}', []),
        ('{"spec": "1", "kit": "3"}', ["kit: 2, the image is made from 3"]),
        ('{"spec": "1"}', ["kit: 2, the image is made from none"]),
        ("[1]", [f"label {LABEL}: expected a JSON object, found '[1]'"]),
        ("{", [f"label {LABEL}: expected a JSON object, found '{{'"]),
    ],
)
def test_what_an_image_was_made_from_is_compared_line_by_line(label, lines):
    assert lines_of_label(label, {"spec": "1", "kit": "2"}) == lines


def test_a_stale_lock_is_told_in_one_line_with_all_that_has_moved():
    error = stale("scoredock.lock", ["spec: 1, locked for 2", "kit: 3, locked for 4"])

    assert str(error) == "scoredock.lock: stale: spec, kit moved since it was made"
