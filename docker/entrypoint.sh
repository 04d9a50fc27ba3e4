#!/bin/sh
# Activate the environment, run the hooks, then become the server. Arguments that begin with a dash are the server's; any
# other first argument is a command to run in its place.
set -eu

# usage: activate
# Source what conda packages have to say before they are used: where their data lies, say. Their
# scripts are written for an interactive shell, where a name that is not set is no error.
activate() {
  export CONDA_PREFIX="$AZUREML_CONDA_ENVIRONMENT_PATH"
  set +eu
  for script in "$CONDA_PREFIX"/etc/conda/activate.d/*.sh; do
    # shellcheck source=/dev/null # a package's
    [ -f "$script" ] && . "$script"
  done
  set -eu
}

# usage: run_hooks
# Source entrypoint.d/*.sh beside the entry script, in the order of their names.
run_hooks() {
  for hook in "$AML_APP_ROOT/${AZUREML_SOURCE_DIRECTORY:-.}"/entrypoint.d/*; do
    [ -f "$hook" ] || continue
    case "$hook" in
      *.sh)
        echo "entrypoint: $hook" >&2
        # shellcheck source=/dev/null # the user's file
        . "$hook"
        ;;
      *) echo "entrypoint: $hook is left out: its name does not end in .sh" >&2 ;;
    esac
  done
}

# usage: unusable_variables
# Print, in base64, the variables whose names a shell cannot use, as `a.b`: it does not pass them on.
unusable_variables() {
  {
    LC_ALL=C grep -zvE '^[A-Za-z_][A-Za-z0-9_]*=' "/proc/$$/environ" | base64 | tr -d '\n'
  } 2>/dev/null
}

# Sets them, then becomes the command that follows. They are no argument, which others could read.
PASS_ON='
import base64, os, sys
for pair in base64.b64decode(os.environ.pop("UNUSABLE_VARIABLES")).split(b"\0")[:-1]:
    name, _, value = pair.partition(b"=")
    os.environb[name] = value
os.execvp(sys.argv[1], sys.argv[1:])
'

case "${1:--}" in
  -*) set -- python -m scoredock_server "$@" ;;
esac
[ ! -d "${AZUREML_CONDA_ENVIRONMENT_PATH:-}/etc/conda/activate.d" ] || activate
run_hooks
UNUSABLE_VARIABLES="$(unusable_variables)"
if [ -n "$UNUSABLE_VARIABLES" ]; then
  export UNUSABLE_VARIABLES
  set -- python -c "$PASS_ON" "$@"
fi
exec "$@" # so that the server is the one that gets SIGTERM
