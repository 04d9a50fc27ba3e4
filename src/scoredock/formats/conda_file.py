"""A conda file that stands alone: what to install, and nothing about the image."""

from scoredock.formats.conda_part import conda_part
from scoredock.formats.document import Document
from scoredock.formats.reading import Findings, Reading, environment_of


def read_conda(document: Document, findings: Findings, *, reason: str) -> Reading:
    """Read a conda file as an environment of its name."""
    conda = conda_part(
        document.data,
        place=f"{document.label}: ",
        file=document.path,
        main=document.path,
        findings=findings,
    )
    return Reading(
        spec=environment_of(conda, label=document.label, name=conda.name),
        form="conda file",
        reason=reason,
        files=tuple(findings.files),
        warnings=tuple(findings.warnings),
    )
