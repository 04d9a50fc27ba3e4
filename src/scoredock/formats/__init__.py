"""Every form of an environment that people have, read into the one spec: a module for each family.

Nothing is fetched, and nothing is run: a spec is what lies on this machine.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from scoredock.errors import SpecError
from scoredock.formats.detect import Reader, find_in_folder, read_file
from scoredock.formats.document import Document
from scoredock.formats.judgement import judge
from scoredock.formats.reading import Findings, Reading
from scoredock.spec import EnvironmentSpec


def read(path: Path) -> Reading:
    """Read the spec at `path`, a folder or a file in any of the forms.

    Raises SpecError, with the place and with the warnings until then, at the first thing that is
    wrong.
    """

    def found(findings: Findings) -> Reading:
        return read_file(find_in_folder(path) if path.is_dir() else path, findings)

    return _judged(found)


def read_as(reader: Reader, document: Document, *, reason: str) -> Reading:
    """Read a document that was parsed already, and is of the form of `reader`, as read() does."""

    def found(findings: Findings) -> Reading:
        findings.files.append(document.path)
        findings.warnings += document.warnings
        return reader(document, findings, reason=reason)

    return _judged(found)


def read_spec(path: Path) -> tuple[EnvironmentSpec, list[str]]:
    """Return the spec at `path` and a warning for each thing in it that may be a mistake."""
    reading = read(path)
    return reading.spec, list(reading.warnings)


def _judged(found: Callable[[Findings], Reading]) -> Reading:
    findings = Findings()
    try:
        reading = found(findings)
        findings.warnings = [*reading.warnings, *judge(reading.spec)]
    except SpecError as error:
        error.warnings = error.warnings or tuple(findings.warnings)
        raise
    return replace(reading, warnings=tuple(dict.fromkeys(findings.warnings)))
