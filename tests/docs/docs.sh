# Installs this build and runs the docs against it, together with a private Redis server.
set -euo pipefail

work=$(mktemp -d "${TMPDIR:-/tmp}/lessonstore-docs.XXXXXX")
trap 'rm -rf "$work"' EXIT
"$CMAKE" --install "$BUILD" --prefix "$work/prefix" >"$work/install.log" 2>&1 || { cat "$work/install.log"; exit 1; }
"$LIST_FACTS" >"$work/facts"

PKG_CONFIG_PATH=$(dirname "$(find "$work/prefix" -name lessonstore.pc)")
export PKG_CONFIG_PATH LD_LIBRARY_PATH=${PKG_CONFIG_PATH%/*} CMAKE_PREFIX_PATH=$work/prefix
export PATH=$work/prefix/bin:$BIN:$PATH
[ -z "${PYTHON:-}" ] || export PYTHONPATH=$work/prefix/$PYTHON_DIRECTORY
export HOME=$work XDG_DATA_HOME=$work/data XDG_STATE_HOME=$work/state
perl "$SOURCE/tests/docs/check_docs.pl" "$SOURCE" "$work/facts" "$work"
