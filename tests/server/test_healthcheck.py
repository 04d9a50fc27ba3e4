"""What the image's HEALTHCHECK runs."""

import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor

from interpreter import server_python, server_variables
from serving import ECHO, EVALUATE, running, wait_for_log, wait_until
from support import ROOT


def health_check(bind, *path):
    return subprocess.run(
        [server_python(), ROOT / "docker" / "healthcheck.py", *path],
        env=server_variables() | {"SCOREDOCK_BIND": bind},
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_fails_until_init_has_run_and_succeeds_from_then_on(tmp_path, port):
    script = ECHO.replace("pass", "__import__('time').sleep(2)", 1)
    bind = f"127.0.0.1:{port}"
    with running(tmp_path, script, SCOREDOCK_BIND=bind) as server:
        before = health_check(bind)
        wait_for_log(server, "ready for serving traffic")
        after = health_check(f":{port}")

    assert before.returncode == 1
    assert before.stderr.startswith(f"no answer at {bind}: ")
    assert (after.returncode, after.stderr) == (0, "")


def test_a_service_whose_queue_is_full_is_alive_and_not_ready(tmp_path):
    limit = {"SCOREDOCK_QUEUE_LENGTH": "1"}
    with running(tmp_path, EVALUATE, **limit) as server, ThreadPoolExecutor() as pool:
        bind = server.wait_until_ready().url.removeprefix("http://")
        for _ in range(2):
            pool.submit(server.score, "time.sleep(3)")
        wait_until(lambda: health_check(bind, "/readyz").returncode == 1, server.log)

        assert health_check(bind, "/readyz").stderr == ("GET /readyz: 503 too many requests wait\n")
        assert health_check(bind).returncode == 0


def test_it_reaches_a_unix_socket(tmp_path):
    with tempfile.TemporaryDirectory() as folder:
        bind = f"unix:{folder}/socket"
        nobody = health_check(bind)
        with running(tmp_path, ECHO, SCOREDOCK_BIND=bind) as server:
            wait_for_log(server, "ready for serving traffic")
            answered = health_check(bind)

    assert (nobody.returncode, answered.returncode) == (1, 0)
    assert nobody.stderr.startswith("no answer at unix:")
