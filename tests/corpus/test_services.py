from pathlib import Path

import pytest
from corpus.service_table import CLASSES, DATA, SERVICES, expected, row

from scoredock.errors import SpecError
from scoredock.formats.service_files import read_service
from scoredock.formats.service_reading import Said

TABLE = expected()
REFUSED = [file for file in SERVICES if TABLE.get(file, {}).get("result") != "service"]

MENDED = ("named file is missing", "no entry script")


def test_the_table_has_every_file_of_a_deployment_and_known_results_alone():
    assert list(TABLE) == SERVICES
    assert {each["result"] for each in TABLE.values()} == {"service", *CLASSES}


@pytest.mark.parametrize("file", SERVICES)
def test_a_real_file_is_read_or_refused_as_the_table_says(file):
    assert row(file) == TABLE[file]


@pytest.mark.parametrize("file", REFUSED)
def test_a_refusal_is_one_line_that_names_the_file(file):
    with pytest.raises(SpecError) as caught:
        read_service([DATA / file], Said())

    assert "\n" not in f"{caught.value}{caught.value.hint}"
    assert Path(file).name in str(caught.value)


def test_a_deployment_whose_files_are_elsewhere_is_read_where_options_give_them():
    given = ["environment", "source", "models"]
    mended = [file for file in REFUSED if TABLE[file]["result"] in MENDED]

    found = [read_service([DATA / file], Said(), given=given) for file in mended]

    assert len(found) > 40
