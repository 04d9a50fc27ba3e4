"""docs/sdk-compatibility.md has a row for every method, and a test calls each."""

import calls


def test_every_public_method_has_a_row_and_every_row_a_method():
    assert sorted(row.method for row in calls.rows()) == sorted(calls.public_methods())


def test_every_row_is_called_by_a_test():
    assert sorted({row.method for row in calls.rows()} - set(calls.marked())) == []


def test_every_mark_names_a_row():
    assert sorted(set(calls.marked()) - {row.method for row in calls.rows()}) == []


def test_the_page_is_fresh():
    assert calls.PAGE.read_text() == calls.render()
