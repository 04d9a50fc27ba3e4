import pytest
from packaging.version import Version

from interpreter import server_versions
from serving import covers, running

SCRIPT = """\
import json
import json as j
from json import dumps, loads

def init(): pass
def run(raw_data):
    served = all(hasattr(each, "by_orjson") for each in (json.loads, j.loads, loads, dumps))
    try:
        values = [repr(f(raw_data)) for f in (json.loads, j.loads, loads)]
    except ValueError as error:
        values = [str(error), error.pos]
    return dumps({"served": served, "values": values, "numbers": [1e-05, 1e16, 0.25] * 10})
"""
DOCUMENTS = [
    ('[1, 2.5, "é"]', ["[1, 2.5, 'é']"] * 3),
    ("[NaN, -Infinity, 1e999]", ["[nan, -inf, inf]"] * 3),
    ("[18446744073709551616]", ["[18446744073709551616]"] * 3),
    ('{"a": 1, "b": 2, "a": 3}', ["{'a': 3, 'b': 2}"] * 3),
    ("[1,\n 2 3]", ["Expecting ',' delimiter: line 2 column 4 (char 7)", 7]),
]


@pytest.mark.skipif(server_versions()["python"] < Version("3.8"), reason="no orjson for it")
def test_the_environment_of_the_tests_has_orjson():
    assert "orjson" in server_versions()


@covers("SCOREDOCK_FAST_JSON")
@pytest.mark.parametrize("setting", ["true", "false"])
def test_a_script_gets_the_same_from_json_however_it_is_served(tmp_path, setting):
    # Older Pythons have no orjson that is new enough.
    served = "true" if setting == "true" and "orjson" in server_versions() else "false"
    with running(tmp_path, SCRIPT, SCOREDOCK_FAST_JSON=setting) as server:
        server.wait_until_ready()
        for body, values in DOCUMENTS:
            answer = server.score(body.encode()).json()

            assert answer.startswith(f'{{"served": {served}, ')
            assert answer.endswith('"numbers": [' + ", ".join(["1e-05, 1e+16, 0.25"] * 10) + "]}")
            assert eval(answer, {"true": True, "false": False})["values"] == values
