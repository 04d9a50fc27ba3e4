import pytest

from conformance.differences import (
    PAGE,
    TIERS,
    excuses,
    matching,
    read_checks,
    read_differences,
    render,
)
from support import ROOT

BOOK = read_differences()
CHECKS = read_checks()


@pytest.mark.parametrize("glob", excuses(BOOK.intended))
def test_we_differ_on_purpose_only_where_nobody_relies_on_the_answer(glob):
    tiers = {CHECKS[check] for check in matching(CHECKS, glob)}

    assert tiers <= {tier for tier, (_, may_differ) in TIERS.items() if may_differ}


@pytest.mark.parametrize("glob", excuses(BOOK.intended + BOOK.versions))
def test_a_difference_is_about_checks_that_there_are(glob):
    assert matching(CHECKS, glob)


@pytest.mark.parametrize("difference", BOOK.intended + BOOK.versions, ids=lambda each: each.what)
def test_a_difference_is_shown_by_a_case_of_the_corpus_or_by_a_test(difference):
    assert difference.checks or difference.tests
    for test in difference.tests:
        file, _, name = test.partition("::")
        assert f"\ndef {name}(" in (ROOT / "tests" / "server" / file).read_text()


def test_every_check_has_a_tier_that_the_page_explains():
    assert set(CHECKS.values()) == set(TIERS)


@pytest.mark.parametrize("difference", BOOK.intended, ids=lambda each: each.what)
def test_what_differs_on_purpose_stands_under_a_heading_and_in_every_version(difference):
    assert difference.area
    assert not difference.when


@pytest.mark.parametrize("difference", BOOK.versions, ids=lambda each: each.what)
def test_what_versions_change_is_not_so_in_the_versions_of_the_recording(difference):
    assert difference.when.keys() <= BOOK.recorded.keys()
    assert not difference.holds(BOOK.recorded)


def test_the_page_for_users_is_what_the_list_says():
    fresh = render(BOOK, CHECKS)

    assert PAGE.read_text() == fresh, "run .venv/bin/python tests/conformance/differences.py"
