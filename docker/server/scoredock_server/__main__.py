"""`python -m scoredock_server` is the command `scoredock-server`."""

from scoredock_server.cli import main

if __name__ == "__main__":
    main()
