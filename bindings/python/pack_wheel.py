"""pack_wheel.py PACKAGE SOURCE DIRECTORY: packs a built package into a wheel, and prints the path of the wheel.

It writes what PEP 427 and PEP 491 ask for, with the standard library alone. Two runs on the same files give the same
bytes.
"""
import base64
import hashlib
import os
import re
import sys
import sysconfig
import zipfile

NAME = "lessonstore"
TIME = (1980, 1, 1, 0, 0, 0)

METADATA = """\
Metadata-Version: 2.1
Name: {name}
Version: {version}
Summary: Which lessons are open, who is in which, and whether the chat is open
License: {license}
Requires-Python: >=3.11
"""


def version_of(source):
    with open(f"{source}/include/lessonstore/lessonstore.h", encoding="utf-8") as file:
        text = file.read()
    return ".".join(re.search(rf"LESSON_STORE_VERSION_{part} (\d+)", text).group(1)
                    for part in ("MAJOR", "MINOR", "PATCH"))


def read(path):
    with open(path, "rb") as file:
        return file.read()


def record_of(files, record):
    lines = []
    for name, content in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        lines.append(f"{name},sha256={digest},{len(content)}\n")
    return "".join([*lines, f"{record},,\n"]).encode()


def contents(package, source, version, tag):
    files = {f"{NAME}/{name}": read(f"{package}/{name}") for name in sorted(os.listdir(package))
             if os.path.isfile(f"{package}/{name}")}
    directory = f"{NAME}-{version}.dist-info"
    license_text = read(f"{source}/LICENSE")
    first_line = license_text.decode().strip().splitlines()[0]
    files[f"{directory}/LICENSE"] = license_text
    files[f"{directory}/METADATA"] = METADATA.format(name=NAME, version=version, license=first_line).encode()
    files[f"{directory}/WHEEL"] = (f"Wheel-Version: 1.0\nGenerator: {NAME}\nRoot-Is-Purelib: false\n"
                                   f"Tag: {tag}\n").encode()
    files[f"{directory}/RECORD"] = record_of(files, f"{directory}/RECORD")
    return files


def main(package, source, directory):
    version = version_of(source)
    platform = re.sub(r"[-.]", "_", sysconfig.get_platform())
    tag = f"cp311-abi3-{platform}"
    path = f"{directory}/{NAME}-{version}-{tag}.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        for name, content in contents(package, source, version, tag).items():
            entry = zipfile.ZipInfo(name, TIME)
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            wheel.writestr(entry, content)
    print(path)


main(*sys.argv[1:])
