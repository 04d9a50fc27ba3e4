"""Ask a service for a score."""

from pathlib import Path
from urllib.parse import urlsplit

import requests
from requests.auth import AuthBase

from scoredock.errors import ScoredockError


class _NoLogin(AuthBase):
    """Adds nothing to a request."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


def post_score(url: str, body: bytes, *, key: str = "", ca_file: Path | None = None) -> str:
    """POST `body` once, as it is, and return the answer's text.

    With the `key` of the service, if it has one; `ca_file` is what its certificate is checked with
    in place of the machine's authorities.

    Raises ScoredockError with status and body where the answer is not 200, and where none comes.
    """
    with requests.Session() as session:
        try:
            # A company proxy has no business with loopback.
            session.trust_env = urlsplit(url).hostname not in ("127.0.0.1", "localhost", "::1")
            headers = {"Content-Type": "application/json"}
            if key:
                session.auth = _NoLogin()  # one of ~/.netrc would take the key's place
                headers["Authorization"] = f"Bearer {key}"
            answer = session.post(
                url, data=body, headers=headers, verify=str(ca_file) if ca_file else None
            )
        except (requests.RequestException, ValueError) as error:
            reason = "nothing answers" if isinstance(error, requests.ConnectionError) else error
            raise ScoredockError(
                f"{url}: {reason}", hint="start the service with scripts/up, or name it with --url"
            ) from error
    if "charset" not in answer.headers.get("Content-Type", ""):
        answer.encoding = "utf-8"  # requests would take text for Latin-1
    if answer.status_code == 401:
        raise ScoredockError(
            f"{url} answered 401: {'the key is not accepted' if key else 'it asks for a key'}",
            hint="name the file with a key of the service: --key-file FILE, or KEY_FILE in .env",
        )
    if answer.status_code != 200:
        raise ScoredockError(
            f"{url} answered {answer.status_code}: {answer.text.strip()}",
            hint="scoredock logs tells what the entry script said",
        )
    return answer.text
