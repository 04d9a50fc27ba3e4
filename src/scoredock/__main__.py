"""`python -m scoredock`: the command, where its script is not on PATH."""

from scoredock.cli import main

main()
