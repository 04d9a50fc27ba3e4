import pytest

from scoredock.dockerfile_images import image_names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("FROM a:1", ("a:1",)),
        ("FROM --platform=linux/amd64 a:1 AS one\nFROM One\n", ("a:1",)),
        ("FROM a\nFROM a AS b\nCOPY --from=c:2 --chown=1 /x /y\n", ("a", "c:2")),
        ("FROM a AS b\nFROM b\nCOPY --from=B /x /y\nCOPY --from=0 /x /y\n", ("a",)),
        ("FROM b\nFROM a AS b\n", ("b", "a")),
        ("FROM a\nCOPY --from=later /x /y\nFROM scratch AS later\n", ("a",)),
        ("FROM a\nRUN --mount=type=cache,target=/c --mount=from=d:3,target=/m ls\n", ("a", "d:3")),
        ("FROM a\nRUN ls --from=b\nCOPY <<END /x\nFROM c\nEND\n", ("a",)),
        ("FROM registry.example.com:5000/a@sha256:00", ("registry.example.com:5000/a@sha256:00",)),
        ("FROM scratch\n", ()),
    ],
)
def test_every_image_that_is_no_stage_is_named_once(text, names):
    assert image_names(text) == names


@pytest.mark.parametrize(
    ("name", "expanded"),
    [
        ("a:$V", "a:3.8"),
        ("${R}/a:${V}", "r.example.com/a:3.8"),
        ("${NAME:-b}", "b"),
        ("${V:-3.9}", "3.8"),
        ("${EMPTY:-b}:${V}", "b:3.8"),
        ("a${EMPTY-b}", "a"),
        ("a${NAME+-slim}${V:+-x}", "a-x"),
        ("a$NAME", "a"),
        ('"a:$V"', "a:3.8"),
    ],
)
def test_arguments_above_the_first_image_have_their_defaults(name, expanded):
    arguments = 'ARG R=r.example.com V="3.8"\nARG NAME\nARG EMPTY=\n'
    text = f"{arguments}FROM {name}\nARG V=4\nFROM {name}\n"

    assert image_names(text) == (expanded,)


@pytest.mark.parametrize("name", ["a-$TARGETARCH", "a:${V#3.}", "a:${V/3/4}"])
def test_a_name_that_only_the_build_can_tell_keeps_its_variable(name):
    assert image_names(f"ARG V=3.8\nFROM {name}\n") == (name,)
