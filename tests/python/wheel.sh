# A wheel is built, installed into a fresh environment without any other package, and used there.
set -euo pipefail

work=$(mktemp -d "${TMPDIR:-/tmp}/lessonstore-wheel.XXXXXX")
trap 'rm -rf "$work"' EXIT
unset PYTHONPATH

LESSONSTORE_CMAKE_ARGUMENTS="-DCMAKE_C_COMPILER=$CC -DLESSONSTORE_PYTHON_PROGRAM=$PYTHON" \
    bash "$SOURCE/bindings/python/wheel.sh" "$work/wheel" >"$work/path"
wheel=$(cat "$work/path")
case $wheel in
*/lessonstore-*-cp311-abi3-linux_*.whl) ;;
*) echo "not the name of a wheel: $wheel" >&2; exit 1 ;;
esac

# A second wheel of the same files has the same bytes.
cp "$wheel" "$work/first.whl"
"$PYTHON" -B "$SOURCE/bindings/python/pack_wheel.py" "$work/wheel/build/bindings/python/lessonstore" "$SOURCE" "$work/wheel" >/dev/null
cmp "$work/first.whl" "$wheel"

# pip, where it is installed; else what pip does with a wheel.
"$PYTHON" -m venv --without-pip "$work/environment"
python=$work/environment/bin/python
if "$PYTHON" -m pip --version >/dev/null 2>&1; then
    "$PYTHON" -m pip --python "$python" --disable-pip-version-check install --quiet --no-index --no-deps "$wheel"
else
    "$PYTHON" -m zipfile -e "$wheel" "$("$python" -c 'import sysconfig; print(sysconfig.get_path("platlib"))')"
fi

# Every file is what RECORD says. The library is in the module, which needs no other file of ours and shows no name of it.
cd "$work"
"$python" -X dev -W error - <<'END'
import base64, glob, hashlib, importlib.metadata, os, subprocess
import lessonstore, lessonstore.aio
from lessonstore.dropin import RedisForInLesson, RedisForLessonStatus

assert "environment" in lessonstore.__file__, lessonstore.__file__
distribution = importlib.metadata.distribution("lessonstore")
assert distribution.version == lessonstore.__version__
checked = 0
for file in distribution.files:
    if file.hash and "dist-info" not in str(file):
        digest = base64.urlsafe_b64encode(hashlib.sha256(file.locate().read_bytes()).digest()).rstrip(b"=").decode()
        assert (file.hash.mode, file.hash.value) == ("sha256", digest), file
        checked += 1
assert checked >= 8, checked
(module,) = glob.glob(os.path.join(os.path.dirname(lessonstore.__file__), "_lessonstore*.so"))
shown = subprocess.run(["nm", "-D", "--defined-only", module], capture_output=True, text=True, check=True).stdout
assert "PyInit__lessonstore" in shown and "lesson_store_" not in shown, shown
assert "liblessonstore" not in subprocess.run(["ldd", module], capture_output=True, text=True, check=True).stdout
os.environ["LESSONSTORE_LOCATION"] = "sqlite:lessons.db"
RedisForLessonStatus().createLesson("l")
RedisForInLesson().joinLesson("ann", "c", "l")
assert RedisForInLesson().isInLesson("ann")
print(f"{checked} files of the wheel, lessonstore {lessonstore.__version__}")
END
