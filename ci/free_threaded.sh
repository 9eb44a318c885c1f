# Sourced by free-threaded: where the interpreter comes from, and what is tested there.
VERSION=3.13
KEPT=${PRICECORE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/pricecore}/python${VERSION}t    # outside the clone: it outlives it
KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg
# What the interpreter's own modules are compiled against.
DEVELOPMENT_PACKAGES=(gcc make xz-utils zlib1g-dev libssl-dev libffi-dev libbz2-dev liblzma-dev libsqlite3-dev libncurses-dev)
# Had no build for this interpreter when this was written. Tried again each time: what has one by now is used.
PERHAPS_NOT_BUILT=(msgspec polars nicegui uvloop picows)
THREADS=4
# Rooms whose tests make what they need themselves. Left out: eventlog, sharing, observe: a test has one folder or
# one name; and what is Python about processes, pages and windows.
PARALLEL_ROOMS=(caching compression delivery engine metrics prices primitives)
# Fixtures that hand one object to all threads of a test that then counts on being alone with it ...
SHARED_FIXTURES=(engine pair saved used full written closing receivers caplog)
# ... or set what is one for the process: a clock, what a comparison of keys does, a throttle; native has loops of its
# own, and runs and odd_clock are processes, begun once for all threads.
PROCESS_FIXTURES=(clock throttle compared native runs odd_clock)
# What starts threads, processes or a loop of its own, compiles (their number would multiply), looks at the whole process,
# or closes the one engine that the process has by default.
ALONE=(helpers.rooms.native_module helpers.threads.run_threads helpers.threads.switch_interval helpers.threads.tries
    threading.Thread asyncio.run 'subprocess.*' helpers.subprocesses.run_python os.fork hypothesis.stateful.run_state_machine_as_test
    'tracemalloc.*' sys.getrefcount doctest.testmod pricecore.get_engine)

# find_python: prints the first free-threaded interpreter, on PATH, under pyenv or kept, that really starts.
find_python() {
    local candidate
    for candidate in "python${VERSION}t" "${PYENV_ROOT:-$HOME/.pyenv}/versions/$VERSION".*t/bin/python "$KEPT/bin/python${VERSION}t"; do
        if "$candidate" -c "import ensurepip, ssl, sys; sys.exit(sys._is_gil_enabled())" 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
}

can_make_python() {
    command -v apt-get >/dev/null && command -v gcc >/dev/null && [ -f "$KEYRING" ]
}

# Debian packages no free-threaded interpreter, but has the source of this version. apt is asked in folders of its own:
# the machine's lists and sources stay as they are.
fetch_python_source() {
    local apt=$SCRATCH/apt mirror
    # $(REPO_URI) is apt's, not the shell's.
    # shellcheck disable=SC2016
    mirror=$(apt-get indextargets --format '$(CODENAME) $(REPO_URI)' | awk '$1 !~ /-/ { print $2; exit }')
    mkdir -p "$apt"/state/lists/partial "$apt"/cache/archives/partial
    printf "deb-src [signed-by=$KEYRING] $mirror %s main\n" forky trixie >"$apt/sources.list"
    cat >"$apt/apt.conf" <<CONF
Dir::State "$apt/state";
Dir::Cache "$apt/cache";
Dir::Etc::sourcelist "$apt/sources.list";
Dir::Etc::sourceparts "-";
Acquire::Check-Valid-Until "false";
APT::Sandbox::User "root";
CONF
    export APT_CONFIG=$apt/apt.conf
    quietly apt-get update
    cd "$SCRATCH"
    quietly apt-get source --download-only "python$VERSION"
    tar -xf "python$VERSION"_*.orig.tar.xz
}

# In a subshell: it changes folder and environment. Moved into place as a whole, so that what is there is complete.
make_python() (
    if [ "$(id -u)" = 0 ] && ! dpkg --status "${DEVELOPMENT_PACKAGES[@]}" >/dev/null 2>&1; then
        export DEBIAN_FRONTEND=noninteractive
        quietly apt-get update
        quietly apt-get install --yes "${DEVELOPMENT_PACKAGES[@]}"
    fi
    fetch_python_source
    cd "$SCRATCH"/Python-"$VERSION".*
    # CC only for make: configure would write ccache into what later builds extensions.
    quietly env -u CC ./configure --prefix="$KEPT" --disable-gil --disable-test-modules --with-ensurepip=install
    quietly make -j "$(nproc)" CC="${CC:-gcc}"
    quietly make install DESTDIR="$SCRATCH/installed"
    mkdir -p "$(dirname "$KEPT")"
    rm -rf "$KEPT"
    mv "$SCRATCH/installed/$KEPT" "$KEPT"
)

# test_requirements: prints what the extra `test` asks for here, one a line.
test_requirements() {
    "$1" - <<'PY'
import tomllib
from pip._vendor.packaging.requirements import Requirement

for line in tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["test"]:
    requirement = Requirement(line)
    if requirement.marker is None or requirement.marker.evaluate():
        print(f"{requirement.name}{requirement.specifier}")
PY
}

# new_environment PYTHON FOLDER: wheels alone: what has none for this interpreter would be compiled for minutes, and fail.
new_environment() {
    local doubtful requirement wanted=() unsure=()
    doubtful=" ${PERHAPS_NOT_BUILT[*]} "
    "$1" -m venv --clear "$2"
    while read -r requirement; do
        if [[ $doubtful == *" ${requirement%%[<>=]*} "* ]]; then unsure+=("$requirement"); else wanted+=("$requirement"); fi
    done < <(echo "msgspec"; test_requirements "$2/bin/python")
    quietly "$2/bin/pip" install --only-binary :all: numpy pytest-run-parallel "${wanted[@]}"
    NOT_BUILT=()
    for requirement in "${unsure[@]}"; do
        timeout 60 "$2/bin/pip" install --quiet --only-binary :all: "$requirement" >"$SCRATCH/tried" 2>&1 ||
            NOT_BUILT+=("${requirement%%[<>=]*}")
    done
    quietly "$2/bin/pip" install --no-build-isolation --no-deps .
}

# in_threads PYTEST ARGUMENTS: each test that can in several threads at once, the same test in all of them. Tests that
# cannot are skipped with the reason: the run before this one had them.
in_threads() {
    pytest -p no:xdist --parallel-threads "$THREADS" --skip-thread-unsafe=True --mark-hypothesis-as-unsafe \
        -o thread_unsafe_fixtures="$(printf '%s\n' "${SHARED_FIXTURES[@]}" "${PROCESS_FIXTURES[@]}")" \
        -o thread_unsafe_functions="$(printf '%s\n' "${ALONE[@]}")" "$@" "${PARALLEL_ROOMS[@]/#/tests/}"
}

# -P: what is installed, not the source folder.
gil_is_off() {
    python -P -c 'import sys, pricecore; sys.exit("the GIL is on" if sys._is_gil_enabled() else 0)'
}

# logged COMMAND...: shows what it says, and keeps it for the list at the end.
logged() {
    "$@" 2>&1 | tee -a "$SCRATCH/said"
}

# Every skipped test of both runs, added up by reason.
say_what_was_left_out() {
    echo "==> left out"
    echo "    without a build for this interpreter: ${NOT_BUILT[*]:-nothing}"
    sed -n 's/^SKIPPED \[\([0-9]*\)\] [^ ]* /\1 /p' "$SCRATCH/said" |
        awk '{ n = $1; $1 = ""; count[$0] += n } END { for (why in count) printf "%7d %s\n", count[why], why }' | sort -rn
}
