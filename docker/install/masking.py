"""Keep what URLs hold of users, passwords, tokens and signatures out of what is printed."""

import re
import subprocess
import sys

# git@ of ssh is no secret, and /t/tqdm/ a folder of a package index; conda's tokens hold digits.
USER = re.compile(r"(?<=//)(?!git@)[^/?#\s]+(?=@)")
TOKEN = re.compile(r"(?<=/t/)(?=[^/\s]*\d)[\w.-]{8,}(?=/|$)")
SIGNATURE = re.compile(
    r"([?&](?:sig|signature|password|secret|(?:api[-_]?)?key|[\w-]*token|x-\w+-signature)=)"
    r"[^&#\s\"']+",
    re.IGNORECASE,
)


def hidden(text: str) -> str:
    """Return the text, or URL, with stars in their place."""
    return SIGNATURE.sub(r"\1***", TOKEN.sub("***", USER.sub("***", str(text))))


def run(command: "list", environ: "dict" = None) -> None:
    """Run a command and print what it says but for secrets; its failure is this program's."""
    child = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    for line in child.stdout:
        # Bytes, because Python 3.6 in an image without a locale takes all text for ASCII.
        said = hidden(line.decode("utf-8", "surrogateescape"))
        sys.stdout.buffer.write(said.encode("utf-8", "surrogateescape"))
        sys.stdout.buffer.flush()
    if child.wait():
        sys.exit(child.returncode)
