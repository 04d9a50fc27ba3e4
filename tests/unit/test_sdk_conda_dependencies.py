import pytest
import yaml

from scoredock.sdk import CondaDependencies, UserErrorException


def written(conda: CondaDependencies) -> list:
    return yaml.safe_load(conda.serialize_to_string())["dependencies"]


@pytest.mark.calls(
    "CondaDependencies",
    "CondaDependencies.conda_channels",
    "CondaDependencies.conda_packages",
    "CondaDependencies.pip_packages",
    "CondaDependencies.get_default_number_of_packages",
)
def test_a_new_object_has_what_the_reference_begins_with():
    new = CondaDependencies()

    assert list(new.conda_packages) == ["python=3.8.13"]
    assert list(new.pip_packages) == ["azureml-defaults"]
    assert list(new.conda_channels) == ["anaconda", "conda-forge"]
    assert CondaDependencies.get_default_number_of_packages() == 2


@pytest.mark.calls("CondaDependencies.create", "CondaDependencies.serialize_to_string")
def test_create_puts_python_first_then_pip_then_conda_packages():
    made = CondaDependencies.create(
        pip_packages=["joblib"], conda_packages=["numpy=2"], python_version="3.11"
    )

    assert written(made) == ["python=3.11", {"pip": ["joblib"]}, "numpy=2"]


@pytest.mark.calls("CondaDependencies.pip_options")
def test_create_with_an_index_names_that_index_alone():
    made = CondaDependencies.create(pip_indexurl="https://pypi.example.com/simple")

    assert list(made.pip_options) == ["--index-url https://pypi.example.com/simple"]
    assert list(made.pip_packages) == ["azureml-defaults"]


@pytest.mark.calls("CondaDependencies.add_pip_package", "CondaDependencies.remove_pip_package")
def test_a_pip_package_of_the_same_name_gives_way_and_is_removed_by_name():
    conda = CondaDependencies.create(pip_packages=["Scikit_Learn[tests]==1.0", "joblib"])
    conda.add_pip_package("scikit-learn>=1.7")
    assert list(conda.pip_packages) == ["joblib", "scikit-learn>=1.7"]

    conda.remove_pip_package("scikit-learn")

    assert list(conda.pip_packages) == ["joblib"]


def test_an_option_is_no_pip_package():
    with pytest.raises(UserErrorException, match="Invalid package name '--pre'"):
        CondaDependencies().add_pip_package("--pre")


@pytest.mark.calls(
    "CondaDependencies.set_pip_option",
    "CondaDependencies.remove_pip_option",
    "CondaDependencies.set_pip_index_url",
    "CondaDependencies.set_pip_requirements",
)
def test_an_option_of_the_same_word_gives_way():
    conda = CondaDependencies()
    conda.set_pip_requirements(["numpy"])
    conda.set_pip_option("--extra-index-url https://a.example.com")
    conda.set_pip_index_url("--index-url https://b.example.com")
    conda.set_pip_option("--extra-index-url=https://c.example.com")

    assert sorted(conda.pip_options) == [
        "--extra-index-url=https://c.example.com",
        "--index-url https://b.example.com",
    ]
    conda.remove_pip_option("--index-url")
    assert list(conda.pip_options) == ["--extra-index-url=https://c.example.com"]
    assert list(conda.pip_packages) == ["numpy"]


@pytest.mark.calls("CondaDependencies.add_conda_package", "CondaDependencies.remove_conda_package")
def test_a_conda_package_of_the_same_name_gives_way_and_is_removed_by_name():
    conda = CondaDependencies.create(conda_packages=["numpy=1.0"])
    conda.add_conda_package("numpy=2.0")
    assert list(conda.conda_packages) == ["python=3.10.18", "numpy=2.0"]

    conda.remove_conda_package("numpy")

    assert list(conda.conda_packages) == ["python=3.10.18"]


@pytest.mark.calls("CondaDependencies.set_python_version", "CondaDependencies.python")
def test_python_keeps_its_place_and_its_own_condition():
    conda = CondaDependencies()
    conda.set_python_version("3.11")
    conda.add_conda_package("python>=3.9,<3.12")

    assert conda.python == "python>=3.9,<3.12"
    assert written(conda)[0] == "python>=3.9,<3.12"


@pytest.mark.parametrize("package", ["python", "python=3.10.18"])
def test_python_cannot_be_removed(package):
    with pytest.raises(UserErrorException, match="python must not be removed"):
        CondaDependencies.create().remove_conda_package(package)


def test_a_python_without_a_version_is_refused():
    with pytest.raises(UserErrorException, match=r"expected a version as in python=3\.11"):
        CondaDependencies().add_conda_package("python")


@pytest.mark.calls("CondaDependencies.add_channel", "CondaDependencies.remove_channel")
def test_a_channel_is_there_once():
    conda = CondaDependencies()
    conda.add_channel("pytorch")
    conda.add_channel("pytorch")
    conda.remove_channel("anaconda")

    assert list(conda.conda_channels) == ["conda-forge", "pytorch"]


@pytest.mark.calls(
    "CondaDependencies.add_tensorflow_pip_package",
    "CondaDependencies.add_tensorflow_conda_package",
    "CondaDependencies.add_cntk_package",
)
def test_the_helpers_add_packages_by_core():
    conda = CondaDependencies()
    conda.add_tensorflow_pip_package("gpu")
    conda.add_tensorflow_conda_package(version="2.3")
    conda.add_cntk_package()

    assert "tensorflow-gpu==2.2.0" in conda.pip_packages
    assert "tensorflow=2.3" in conda.conda_packages
    assert "cntk==2.7" in conda.pip_packages
    with pytest.raises(UserErrorException, match="expected cpu or gpu, found 'tpu'"):
        conda.add_cntk_package("tpu")


@pytest.mark.calls("CondaDependencies.merge_requirements", "CondaDependencies.sdk_origin_url")
def test_requirements_of_one_name_become_one():
    merged = CondaDependencies.merge_requirements(["numpy>=1", "joblib", "NumPy<2", "--pre"])

    assert merged == ["numpy<2,>=1", "joblib", "--pre"]
    assert CondaDependencies.sdk_origin_url() == ""


@pytest.mark.calls(
    "CondaDependencies.save", "CondaDependencies.save_to_file", "CondaDependencies.as_dict"
)
def test_what_is_saved_is_read_again(tmp_path):
    conda = CondaDependencies.create(conda_packages=["numpy=2"])
    path = conda.save(tmp_path / "conda.yml")
    assert CondaDependencies(path).as_dict() == conda.as_dict()

    relative = conda.save_to_file(tmp_path, "below/conda.yml")

    assert CondaDependencies(tmp_path / relative).as_dict() == conda.as_dict()


@pytest.mark.parametrize("place", [".", "missing/conda.yml"])
def test_a_folder_is_no_file_to_save_to(tmp_path, place):
    with pytest.raises(UserErrorException, match="expected the path of a file"):
        CondaDependencies().save(tmp_path / place)


def test_what_as_dict_returns_is_a_copy():
    conda = CondaDependencies()
    conda.as_dict()["dependencies"].clear()

    assert list(conda.conda_packages) == ["python=3.8.13"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("packages: [numpy]\ndependencies: []", "unknown packages key"),
        ("", "expected an environment, found nothing"),
        ("- numpy", "expected an environment, found a list"),
    ],
)
def test_a_file_that_is_no_conda_file_is_refused(tmp_path, text, message):
    (tmp_path / "conda.yml").write_text(text)

    with pytest.raises(UserErrorException, match=message):
        CondaDependencies(tmp_path / "conda.yml")
