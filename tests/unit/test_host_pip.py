import pytest

from scoredock.host_pip import authorities_of_host, parse_pip, read_pip, with_indexes_of_host
from scoredock.network import NO_NETWORK, Network

COMPANY = "https://user:s3cr3t@index.example.com/simple"
MORE = "https://more.example.com/simple"


def taken(settings, variables=None, given=NO_NETWORK):
    network, notes = with_indexes_of_host(given, settings, variables or {})
    return network.python_indexes, notes


def test_the_indexes_of_the_machine_are_taken_and_a_note_says_so_without_the_login():
    settings = {
        "index-url": [COMPANY],
        "extra-index-url": [MORE, "file:///wheels"],
        "trusted-host": ["more.example.com"],
    }

    network, [note] = with_indexes_of_host(NO_NETWORK, settings, {})

    assert network.python_index == COMPANY
    assert network.extra_python_indexes == [MORE]
    assert network.trusted_hosts == ["more.example.com"]
    assert "https://index.example.com/simple and https://more" in note
    assert "--pip-config /dev/null" in note
    assert "s3cr3t" not in note


@pytest.mark.parametrize("given", [{"python_index": MORE}, {"extra_python_indexes": [MORE]}])
def test_where_the_settings_name_an_index_the_machine_s_are_left_alone(given):
    assert taken({"index-url": [COMPANY]}, given=Network(**given)) == ([MORE], [])


@pytest.mark.parametrize("host", ["localhost:3141", "127.0.0.1", "[::1]:80"])
def test_an_index_on_this_very_machine_is_not_asked_because_a_build_is_on_another(host):
    indexes, [note] = taken({"index-url": [f"http://{host}/simple"]})

    assert indexes == []
    assert f"http://{host}/simple: an index of this machine's own pip, not asked" in note


@pytest.mark.parametrize(
    ("variables", "indexes"),
    [
        ({"UV_DEFAULT_INDEX": COMPANY}, [COMPANY]),
        ({"UV_INDEX_URL": COMPANY, "UV_EXTRA_INDEX_URL": MORE}, [COMPANY, MORE]),
        ({"UV_INDEX": f"company={COMPANY} {MORE}?a=b"}, [COMPANY, f"{MORE}?a=b"]),
        ({}, []),
    ],
)
def test_uv_is_asked_where_pip_has_no_index(variables, indexes):
    assert taken({"index-url": ["/wheels"]}, variables)[0] == indexes
    assert taken({"index-url": [MORE]}, variables)[0] == [MORE]


def test_the_authorities_are_those_of_pip_and_then_of_other_programs(tmp_path):
    for name in ("pip.pem", "other.pem"):
        (tmp_path / name).write_text("")
    variables = {"SSL_CERT_FILE": str(tmp_path / "other.pem"), "REQUESTS_CA_BUNDLE": "/nowhere"}

    of_pip, [note] = authorities_of_host({"cert": [str(tmp_path / "pip.pem")]}, variables)
    other, _ = authorities_of_host({}, variables)
    nothing = authorities_of_host({}, {})

    assert of_pip == tmp_path / "pip.pem"
    assert "--ca-file /dev/null" in note
    assert other == tmp_path / "other.pem"
    assert nothing == (None, [])


def test_the_most_special_place_wins_as_with_pip():
    listed = (
        ":env:.index-url='https://c'\n"
        "global.extra-index-url='\\nhttps://a\\nhttps://b'\n"
        "global.index-url='https://a'\n"
        "install.index_url='https://b'\n"
    )

    assert parse_pip(listed) == {
        "index-url": ["https://c"],
        "extra-index-url": ["https://a", "https://b"],
    }


def test_pip_itself_is_asked(monkeypatch, tmp_path):
    (tmp_path / "pip.conf").write_text("[global]\nindex-url = https://a.example.com/simple\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "https://b.example.com/simple")

    settings = read_pip()

    assert settings["index-url"] == ["https://a.example.com/simple"]
    assert settings["extra-index-url"] == ["https://b.example.com/simple"]


def test_a_lock_check_tells_of_the_machine_s_pip_unless_nothing_is_named(run, write_spec, digits):
    spec = write_spec({"name": "x"}, "dependencies: [python=3.11]")
    options = ["lock", "--check", "--spec", spec, "--source", digits]

    said = run(*options, PIP_INDEX_URL=COMPANY).stderr
    silent = run(
        *options, PIP_INDEX_URL=COMPANY, PIP_CONFIG="/dev/null", CA_FILE="/dev/null"
    ).stderr

    assert "note: packages come from https://index.example.com/simple" in said
    assert "s3cr3t" not in said
    assert "note:" not in silent
