import time
from collections import Counter
from pathlib import Path

import pytest
from corpus.table import CLASSES, DATA, FILES, INSTALLERS, PAGE, SUMMARY, expected, row, summary

from scoredock.errors import SpecError
from scoredock.formats import read
from scoredock.inspection import Inspection, inspection_data, inspection_lines
from scoredock.render import ScoringCode, render
from scoredock.resolve import resolve
from scoredock.templates import load_templates

CODE = ScoringCode(source_name="code", entry_script="score.py")
TABLE = expected()
READABLE = [file for file in FILES if TABLE.get(file, {}).get("result") in INSTALLERS]
REFUSED = [file for file in FILES if file not in READABLE]


def test_the_table_has_every_file_and_no_other():
    assert list(TABLE) == FILES


def test_the_page_tells_how_many_files_have_each_result():
    assert PAGE.read_text(encoding="utf-8").partition(SUMMARY)[2] == summary()


def test_every_class_of_refusal_occurs_and_no_other():
    assert set(Counter(row["result"] for row in TABLE.values())) == {*CLASSES, *INSTALLERS}


@pytest.mark.parametrize("file", FILES)
def test_a_real_file_is_read_or_refused_as_the_table_says(file):
    assert row(file) == TABLE[file]


@pytest.mark.parametrize("file", REFUSED)
def test_a_refusal_is_one_line_that_names_the_file(file):
    with pytest.raises(SpecError) as caught:
        resolve(read(DATA / file).spec)

    assert "\n" not in f"{caught.value}{caught.value.hint}"
    assert Path(file).name in str(caught.value) or "conda_dependencies.yml" in str(caught.value)


@pytest.mark.parametrize("file", READABLE)
def test_what_is_read_can_be_inspected_and_rendered(file):
    reading = read(DATA / file)
    env, notes = resolve(reading.spec)

    rendered = render(env, CODE, load_templates())
    found = Inspection(path=DATA / file, reading=reading, env=env, notes=tuple(notes))
    lines = list(inspection_lines(inspection_data(found)))

    assert rendered["Dockerfile"].count("\nFROM ") >= 4
    assert any(line.startswith("installer ") for line in lines)


def test_no_file_takes_long():
    begin = time.process_time()
    for file in FILES:
        row(file)

    # Seconds of CPU for each; a process takes 0.2 altogether.
    assert (time.process_time() - begin) / len(FILES) < 0.02
