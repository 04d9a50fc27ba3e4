import pytest

from scoredock import build_progress
from scoredock.build_progress import LAST_LINES, BuildProgress

from .rawjson import BASE, FAILURE, INSTALL, announced, completed, digest, logged, started

# The steps of a Dockerfile, each with those that it builds on.
COPY = "[build 2/4] COPY install/ /build/install/"
CONDA = "[build 3/4] COPY conda_dependencies.yml /build/"
CODE = "[code 1/1] COPY code/ /"
FINAL = "[final 1/2] COPY --from=build /opt/env /opt/env"
SCRIPT = "[final 2/2] COPY --from=code [., ./digits/]"
CONTEXT = "[internal] load build context"
INPUTS = {
    BASE: [],
    COPY: [BASE, CONTEXT],
    CONDA: [COPY, CONTEXT],
    INSTALL: [CONDA],
    CODE: [CONTEXT],
    FINAL: [BASE, INSTALL],
    SCRIPT: [FINAL, CODE],
}


@pytest.fixture
def every_step_runs_for_long(monkeypatch):
    monkeypatch.setattr(build_progress, "_SHORT", -1)


def built(*ran):
    """Return the summary of a build in which the steps `ran` were not in the cache."""
    lines = [announced(CONTEXT)]
    for name, inputs in INPUTS.items():
        state = {"inputs": [digest(before) for before in inputs]}
        lines += [announced(name, **state), started(name)]
        lines.append(completed(name, **state, **({} if name in ran else {"cached": True})))
    progress, _ = taken(*lines)
    return progress.summary


def taken(*lines, verbose=False):
    """Feed the lines; return the progress and what it reported."""
    reported = []
    progress = BuildProgress(report=reported.append, verbose=verbose)
    for line in lines:
        progress.take(line + "\n")
    return progress, reported


def test_a_step_is_reported_once_when_it_is_done_with_its_time():
    _, reported = taken(announced(INSTALL), started(INSTALL), started(INSTALL), completed(INSTALL))

    assert reported == [f"{INSTALL} (0.0 s)"]


@pytest.mark.usefixtures("every_step_runs_for_long")
def test_a_step_that_runs_for_long_is_reported_before_and_when_it_is_done():
    lines = [started(INSTALL), "{}", "{}"]

    _, before = taken(*lines)
    _, after = taken(*lines, completed(INSTALL), completed(INSTALL))

    assert before == [INSTALL]
    assert after == [INSTALL, f"{INSTALL} (0.0 s)"]


@pytest.mark.usefixtures("every_step_runs_for_long")
def test_a_step_that_has_not_started_does_not_run():
    _, reported = taken(announced(INSTALL), "{}")

    assert reported == []


def test_a_step_that_was_cached_says_so():
    _, reported = taken(announced(BASE), started(BASE), completed(BASE, cached=True))

    assert reported == [f"{BASE} (cached)"]


def test_a_step_that_is_first_heard_of_when_it_is_done_is_reported():
    _, reported = taken(completed(BASE))

    assert reported == [f"{BASE} (0.0 s)"]


def test_what_a_step_says_of_its_phases_and_their_time_is_reported():
    output = [
        logged(INSTALL, "==> conda packages\nInstalling numpy 1.2\n"),
        logged(INSTALL, "    3.2 s\n==> trim and compile\n"),
    ]

    _, reported = taken(started(INSTALL), *output)

    assert reported == ["  conda packages", "  conda packages (3.2 s)", "  trim and compile"]


def test_exporting_the_image_is_reported_because_it_takes_long():
    _, reported = taken(started("exporting to image"), completed("exporting to image"))

    assert reported == ["exporting to image (0.0 s)"]


def test_a_step_that_is_completed_twice_is_reported_once():
    _, reported = taken(completed(BASE, cached=True), completed(BASE, cached=True))

    assert len(reported) == 1


@pytest.mark.parametrize(
    "name", ["[internal] load build definition", "[context channel-1] load from client", ""]
)
def test_what_is_no_step_of_the_dockerfile_is_not_reported(name):
    _, reported = taken(started(name), completed(name))

    assert reported == []


def test_a_long_name_is_cut():
    _, reported = taken(completed("[build 1/2] RUN " + "x" * 200))

    assert len(reported[0]) < 85
    assert reported[0].endswith("x… (0.0 s)")


def test_the_output_of_a_step_is_reported_with_verbose_alone():
    output = logged(INSTALL, "Collecting numpy\n  Downloading numpy\n")
    lines = [started(INSTALL), output, completed(INSTALL)]

    _, quiet = taken(*lines)
    _, verbose = taken(*lines, verbose=True)

    assert quiet == [f"{INSTALL} (0.0 s)"]
    assert verbose == ["Collecting numpy\n  Downloading numpy", f"{INSTALL} (0.0 s)"]


def test_a_step_that_fails_keeps_its_name_and_its_last_lines_alone():
    output = [logged(INSTALL, f"line {number}\n\n") for number in range(LAST_LINES + 5)]
    other = logged(BASE, "of another step\n")

    progress, _ = taken(started(INSTALL), *output, other, completed(INSTALL, error=FAILURE))

    assert progress.failed_step == INSTALL
    assert progress.failed_log == [f"line {number}" for number in range(5, LAST_LINES + 5)]
    assert LAST_LINES == 20


def test_a_step_that_fails_is_named_in_a_short_line_and_an_image_whole():
    run = "[build 4/4] RUN --mount=type=cache,id=x,target=/x     python3 " + "x" * 99
    load = "[internal] load metadata for registry.example.com/" + "x" * 99

    of_run, _ = taken(completed(run, error=FAILURE))
    of_load, _ = taken(completed(load, error="not found"))

    assert of_run.failed_step.startswith("[build 4/4] RUN python3 xxx")
    assert len(of_run.failed_step) < 80
    assert of_load.failed_step == load


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
    assert reported == [f"{BASE} (0.0 s)"]


@pytest.mark.parametrize(
    "line", ["", "{", "null", "12", '"text"', "[]", "{}", '{"vertexes": null}']
)
def test_no_line_of_the_engine_is_too_odd_to_take(line):
    progress, reported = taken(line, completed(BASE))

    assert progress.failed_step == ""
    assert reported == [f"{BASE} (0.0 s)"]


def test_a_changed_script_is_told_to_be_the_cause():
    assert built(CODE, SCRIPT) == "built in 0 s: 2 of 6 steps ran, because COPY code/ / changed"


def test_a_changed_package_is_told_to_be_the_cause_of_all_that_came_after_it():
    assert built(CONDA, INSTALL, FINAL, SCRIPT) == (
        "built in 0 s: 4 of 6 steps ran, because COPY conda_dependencies.yml /build/ changed"
    )


def test_two_causes_are_both_told():
    assert built(CONDA, INSTALL, FINAL, CODE, SCRIPT) == (
        "built in 0 s: 5 of 6 steps ran, because COPY conda_dependencies.yml /build/ "
        "and COPY code/ / changed"
    )


def test_a_base_image_that_is_new_may_be_the_cause():
    assert built(BASE, COPY, CONDA, INSTALL, FINAL, SCRIPT) == (
        "built in 0 s: 5 of 6 steps ran, "
        "because COPY install/ /build/install/, or its base image, changed"
    )


def test_a_base_image_that_buildkit_says_not_to_have_cached_is_no_cause_of_itself():
    assert "because COPY code/ / changed" in built(BASE, CODE, SCRIPT)


def test_a_first_build_is_not_told_to_be_a_change():
    assert built(*INPUTS) == "built in 0 s: every step ran, because none was in the cache"
    assert built(*(name for name in INPUTS if name != BASE)) == built(*INPUTS)


def test_a_step_that_came_out_as_it_was_is_no_cause():
    assert built(COPY, CODE, SCRIPT) == built(CODE, SCRIPT)


def test_a_build_that_changes_nothing_says_so():
    assert built(COPY) == "built in 0 s: nothing has changed since the last build"
    assert built() == "built in 0 s: nothing has changed since the last build"


def test_a_build_of_which_nothing_is_known_only_says_how_long_it_took():
    progress, _ = taken("docker says something else")

    assert progress.summary == "built in 0 s"
