"""Ask a service for a score."""

from urllib.parse import urlsplit

import requests

from scoredock.errors import ScoredockError


def post_score(url: str, body: bytes) -> str:
    """POST `body` once, as it is, and return the answer's text.

    Raises ScoredockError with status and body where the answer is not 200, and where none comes.
    """
    with requests.Session() as session:
        try:
            # A company proxy has no business with loopback.
            session.trust_env = urlsplit(url).hostname not in ("127.0.0.1", "localhost", "::1")
            answer = session.post(url, data=body, headers={"Content-Type": "application/json"})
        except (requests.RequestException, ValueError) as error:
            reason = "nothing answers" if isinstance(error, requests.ConnectionError) else error
            raise ScoredockError(
                f"{url}: {reason}", hint="start the service with scripts/up, or name it with --url"
            ) from error
    if "charset" not in answer.headers.get("Content-Type", ""):
        answer.encoding = "utf-8"  # requests would take text for Latin-1
    if answer.status_code != 200:
        raise ScoredockError(
            f"{url} answered {answer.status_code}: {answer.text.strip()}",
            hint="scoredock logs tells what the entry script said",
        )
    return answer.text
