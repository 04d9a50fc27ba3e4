import pytest

from scoredock import image
from scoredock.image import LAST_LINES, BuildProgress

from .rawjson import BASE, FAILURE, INSTALL, announced, completed, logged, started


@pytest.fixture
def every_step_runs_for_long(monkeypatch):
    monkeypatch.setattr(image, "_SHORT", -1)
    monkeypatch.setattr(image, "_LONG", -1)


def taken(*lines, verbose=False):
    """Feed the lines; return the progress and what it reported."""
    reported = []
    progress = BuildProgress(report=reported.append, verbose=verbose)
    for line in lines:
        progress.take(line + "\n")
    return progress, reported


def test_a_step_is_reported_once_when_it_is_done():
    _, reported = taken(announced(INSTALL), started(INSTALL), started(INSTALL), completed(INSTALL))

    assert reported == [INSTALL]


@pytest.mark.usefixtures("every_step_runs_for_long")
def test_a_step_that_runs_for_long_is_reported_before_and_when_it_is_done():
    lines = [started(INSTALL), "{}", "{}"]

    _, before = taken(*lines)
    _, after = taken(*lines, completed(INSTALL), completed(INSTALL))

    assert before == [INSTALL]
    assert after == [INSTALL, f"{INSTALL} took 0 s"]


def test_a_step_that_was_short_is_not_worth_a_second_line(monkeypatch):
    monkeypatch.setattr(image, "_SHORT", -1)

    _, reported = taken(started(INSTALL), "{}", completed(INSTALL))

    assert reported == [INSTALL]


@pytest.mark.usefixtures("every_step_runs_for_long")
def test_a_step_that_has_not_started_does_not_run():
    _, reported = taken(announced(INSTALL), "{}")

    assert reported == []


def test_a_step_that_was_cached_says_so():
    _, reported = taken(announced(BASE), started(BASE), completed(BASE, cached=True))

    assert reported == [f"{BASE} (cached)"]


def test_a_step_that_is_first_heard_of_when_it_is_done_is_reported():
    _, reported = taken(completed(BASE))

    assert reported == [BASE]


def test_a_step_that_is_completed_twice_is_reported_once():
    _, reported = taken(completed(BASE, cached=True), completed(BASE, cached=True))

    assert len(reported) == 1


@pytest.mark.parametrize("name", ["[internal] load build definition", "exporting to image", ""])
def test_what_is_no_step_of_the_dockerfile_is_not_reported(name):
    _, reported = taken(started(name), completed(name))

    assert reported == []


def test_a_long_name_is_cut():
    _, reported = taken(completed("[build 1/2] RUN " + "x" * 200))

    assert len(reported[0]) < 80
    assert reported[0].endswith("x…")


def test_the_output_of_a_step_is_reported_with_verbose_alone():
    output = logged(INSTALL, "Collecting numpy\n  Downloading numpy\n")
    lines = [started(INSTALL), output, completed(INSTALL)]

    _, quiet = taken(*lines)
    _, verbose = taken(*lines, verbose=True)

    assert quiet == [INSTALL]
    assert verbose == ["Collecting numpy\n  Downloading numpy", INSTALL]


def test_a_step_that_fails_keeps_its_name_and_its_last_lines_alone():
    output = [logged(INSTALL, f"line {number}\n\n") for number in range(LAST_LINES + 5)]
    other = logged(BASE, "of another step\n")

    progress, _ = taken(started(INSTALL), *output, other, completed(INSTALL, error=FAILURE))

    assert progress.failed_step == INSTALL
    assert progress.failed_log == [f"line {number}" for number in range(5, LAST_LINES + 5)]
    assert LAST_LINES == 20


def test_many_lines_in_one_piece_of_output_are_counted_one_by_one():
    text = "".join(f"line {number}\n" for number in range(30))

    progress, _ = taken(logged(INSTALL, text), completed(INSTALL, error=FAILURE))

    assert progress.failed_log[0] == "line 10"
    assert len(progress.failed_log) == 20


def test_output_that_is_not_utf_8_is_shown_as_far_as_it_goes():
    lines = [logged(INSTALL, "caf\xe9 é", encoding="latin-1"), completed(INSTALL, error=FAILURE)]

    progress, _ = taken(*lines)

    assert progress.failed_log == ["caf\ufffd \ufffd"]


def test_a_step_that_fails_without_output_says_why():
    progress, _ = taken(completed(BASE, error="pull access denied"))

    assert progress.failed_log == ["pull access denied"]


def test_a_step_that_was_canceled_by_the_failure_of_another_is_not_the_one_that_failed():
    progress, _ = taken(
        started(BASE),
        completed(INSTALL, error=FAILURE),
        completed(BASE, error="context canceled: context canceled"),
    )

    assert progress.failed_step == INSTALL


def test_lines_that_are_not_progress_are_kept_for_when_no_step_failed():
    progress, reported = taken(completed(BASE), "ERROR: failed to connect to the builder")

    assert progress.failed_step == ""
    assert progress.failed_log == ["ERROR: failed to connect to the builder"]
    assert reported == [BASE]


@pytest.mark.parametrize(
    "line", ["", "{", "null", "12", '"text"', "[]", "{}", '{"vertexes": null}']
)
def test_no_line_of_the_engine_is_too_odd_to_take(line):
    progress, reported = taken(line, completed(BASE))

    assert progress.failed_step == ""
    assert reported == [BASE]
