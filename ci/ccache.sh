# Sourced by common.sh and .ci/run, in the clone's folder. The package is built eight times here, mostly from the same
# sources: what was compiled once is not compiled again.
export CCACHE_DIR=${CCACHE_DIR:-$PWD/build/ccache} CCACHE_NOHASHDIR=1

use_ccache() {
    if [ -z "${CC:-}" ] && command -v ccache >/dev/null; then
        export CC="ccache gcc"
    fi
}
