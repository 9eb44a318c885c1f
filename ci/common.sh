# Sourced by every script here: strict mode, the clone's folder, timed steps, virtual environments.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

PYTHON=${PYTHON:-python3}                       # the interpreter to build and test with
VENV=${PRICECORE_VENV:-$PWD/build/venv}         # made by ci/setup, used by the others
SCRATCH=$(mktemp -d)                            # outside the source tree, gone at the end
STEP="$0"
# What reads sources or walks a model in plain Python is the same whatever was built: README's test command runs it.
BUILD_INDEPENDENT=(--ignore=tests/prices/test_slot_protocol.py --ignore=tests/contract/test_tidy.py
    --ignore=tests/contract/test_levels.py --ignore=tests/contract/test_stubs.py --ignore=tests/asv_bench
    --ignore=tests/primitives/test_wake_model.py --ignore=tests/eventlog/test_log_models.py
    --ignore=tests/primitives/test_store_buffer_model.py --ignore=tests/test_docs.py --ignore=tests/mutants
    --ignore=tests/soak --ignore=tests/contract/test_no_code_from_data.py --ignore=tests/contract/test_promela_models.py
    --ignore=tests/contract/test_packaging.py --ignore=tests/line_coverage)
export PYTEST_DEBUG_TEMPROOT=$SCRATCH           # a run that ends removes old folders, which another may be looking at
unset PYTHONDONTWRITEBYTECODE                  # else every process compiles numpy's modules anew
export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0='*'     # in CI another user owns the clone
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_NO_COMPILE=1 PIP_ROOT_USER_ACTION=ignore

source ci/ccache.sh
use_ccache

finish() {
    local code=$?
    rm -rf "$SCRATCH"
    [ "$code" = 0 ] || echo "FAILED with $code: $STEP" >&2
}
trap finish EXIT

# step TITLE COMMAND...: says what it does, does it, says how long it took.
step() {
    STEP=$1
    local start=$SECONDS
    shift
    echo "==> $STEP"
    "$@"
    echo "    $STEP: $((SECONDS - start)) s"
}

# quietly COMMAND...: shows its output only when it fails.
quietly() {
    "$@" >"$SCRATCH/log" 2>&1 || { cat "$SCRATCH/log"; return 1; }
}

# own_copy: goes on in a copy of the source tree, so that scripts that build can run side by side. The C that Cython
# made for ci/setup is the same for every Python.
own_copy() {
    mkdir "$SCRATCH/tree"
    tar --exclude './build/[!c]*' --exclude ./build/ccache --exclude ./.git -c . | tar -x -C "$SCRATCH/tree"
    cd "$SCRATCH/tree"
}

# new_venv FOLDER PYTHON EXTRAS: a clean environment with this clone built and installed.
new_venv() {
    "$2" -m venv --clear "$1"
    quietly "$1/bin/pip" install ".$3"
}

need_venv() {
    [ -x "$VENV/bin/python" ] || { echo "no environment in $VENV: run ci/setup first" >&2; exit 2; }
}

# asv COMMAND...: its file about the machine stays out of the home folder; it takes the environment's own interpreter.
asv() {
    HOME=$SCRATCH PATH=$VENV/bin:$PATH "$VENV/bin/asv" "$@" --config asv_bench/asv.conf.json
}
