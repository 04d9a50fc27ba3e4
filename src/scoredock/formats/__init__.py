"""Every form of an environment that people have, read into the one spec: a module for each family.

Nothing is fetched, and nothing is run: a spec is what lies on this machine.
"""

from dataclasses import replace
from pathlib import Path

from scoredock.errors import SpecError
from scoredock.formats.detect import find_in_folder, read_file
from scoredock.formats.judgement import judge
from scoredock.formats.reading import Findings, Reading
from scoredock.spec import EnvironmentSpec


def read(path: Path) -> Reading:
    """Read the spec at `path`, a folder or a file in any of the forms.

    Raises SpecError, with the place and with the warnings until then, at the first thing that is
    wrong.
    """
    findings = Findings()
    try:
        file = find_in_folder(path) if path.is_dir() else path
        reading = read_file(file, findings)
        findings.warnings = [*reading.warnings, *judge(reading.spec)]
    except SpecError as error:
        error.warnings = error.warnings or tuple(findings.warnings)
        raise
    return replace(reading, warnings=tuple(dict.fromkeys(findings.warnings)))


def read_spec(path: Path) -> tuple[EnvironmentSpec, list[str]]:
    """Return the spec at `path` and a warning for each thing in it that may be a mistake."""
    reading = read(path)
    return reading.spec, list(reading.warnings)
