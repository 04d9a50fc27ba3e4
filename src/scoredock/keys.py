"""The keys of a service, for those who ask it; the server reads the same file."""

from pathlib import Path

from scoredock.errors import SpecError


def first_key(path: Path) -> str:
    """Return the first key of a file that has one a line. Raises SpecError, which quotes none."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise SpecError(f"cannot be read: {reason}", path=str(path)) from error
    keys = [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
    if not keys:
        raise SpecError("expected a key, a line for each, found none", path=str(path))
    if not (keys[0].isascii() and keys[0].isprintable()) or " " in keys[0]:
        raise SpecError("expected a key of ASCII characters without blanks", path=str(path))
    return keys[0]
