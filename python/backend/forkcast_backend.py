"""Builds the wheel (PEP 517): the Python package, the programs, and the shared libraries that they need and a Linux need not have.

The programs are those of the folder FORKCAST_BIN, else of build/release/bin beside this folder.
"""

import base64
import hashlib
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile

PACKAGE = pathlib.Path(__file__).resolve().parents[1]
TOP = PACKAGE.parent
PROGRAMS = ["forkcast", "forkcast-client", "forkcast-train"]
# What every Linux of that glibc has (PEP 600). All others go with the wheel.
OF_THE_SYSTEM = re.compile(r"(ld-linux-x86-64|linux-vdso|libc|libm|libdl|librt|libpthread|libresolv|libutil|libgcc_s|libstdc\+\+)\.so(\.\d+)?$")

METADATA = """Metadata-Version: 2.1
Name: forkcast
Version: {version}
Summary: A model server that trains what it serves, with a client for Python
License: MIT
Requires-Python: >=3.9
Provides-Extra: pandas
Requires-Dist: pandas; extra == 'pandas'
Description-Content-Type: text/markdown

{description}"""
ENTRY_POINTS = """[console_scripts]
forkcast = forkcast.programs:forkcast
forkcast-client = forkcast.programs:forkcast_client
"""


def version():
    return re.search(r"project\(forkcast VERSION (\S+)", (TOP / "CMakeLists.txt").read_text(encoding="utf-8"))[1]


def tag():
    """Of this machine's glibc, for which the programs were built."""
    name, number = platform.libc_ver()
    if name != "glibc":
        sys.exit("forkcast: the programs are built against glibc; this Python's C library is " + (name or "another one"))
    return f"py3-none-manylinux_{number.replace('.', '_')}_{platform.machine()}"


def programs():
    folder = pathlib.Path(os.environ.get("FORKCAST_BIN") or TOP / "build/release/bin")
    missing = [name for name in PROGRAMS if not (folder / name).is_file()]
    if missing:
        sys.exit(f"forkcast: no {', '.join(missing)} in {folder}: build them with scripts/package.sh wheel, or set FORKCAST_BIN")
    return [folder / name for name in PROGRAMS]


def libraries(files):
    """Those that the programs need, with all that these need in turn: name -> path."""
    found = {}
    for file in files:
        for name, path in re.findall(r"^\s*(\S+) => (/\S+)", subprocess.check_output(["ldd", file], text=True), re.MULTILINE):
            if not OF_THE_SYSTEM.match(name):
                found[name] = pathlib.Path(path)
    return found


def licences(names):
    """What Debian says of the packages that the libraries come from: package -> text."""
    found = {}
    for name in names:
        said = subprocess.run(["dpkg", "-S", f"*/{name}"], capture_output=True, text=True).stdout
        package = said.partition(":")[0]
        path = pathlib.Path("/usr/share/doc", package, "copyright")
        if package and path.is_file():
            found[package] = path.read_bytes()
    return found


def contents(work):
    """Path in the wheel -> (bytes, whether it is a program)."""
    made = {}
    for path in sorted((PACKAGE / "forkcast").iterdir()):
        if path.is_file():
            made[f"forkcast/{path.name}"] = path.read_bytes(), False
    needed = libraries(programs())
    for name, path in needed.items():
        made[f"forkcast/lib/{name}"] = path.read_bytes(), False
    for program in programs():
        copy = work / program.name
        shutil.copy(program, copy)
        subprocess.check_call(["strip", copy])
        # An RPATH, unlike a RUNPATH, holds for what the libraries need, too.
        subprocess.check_call(["patchelf", "--force-rpath", "--set-rpath", "$ORIGIN/../lib", copy])
        made[f"forkcast/bin/{program.name}"] = copy.read_bytes(), True
    info = f"forkcast-{version()}.dist-info"
    description = (PACKAGE / "README.md").read_text(encoding="utf-8")
    made[f"{info}/METADATA"] = METADATA.format(version=version(), description=description).encode(), False
    made[f"{info}/WHEEL"] = f"Wheel-Version: 1.0\nGenerator: forkcast\nRoot-Is-Purelib: false\nTag: {tag()}\n".encode(), False
    made[f"{info}/entry_points.txt"] = ENTRY_POINTS.encode(), False
    made[f"{info}/licenses/LICENSE"] = (TOP / "LICENSE").read_bytes(), False
    for package, text in licences(needed).items():
        made[f"{info}/licenses/{package}"] = text, False
    return made


def record_line(path, data):
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return f"{path},sha256={digest},{len(data)}\n"


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    name = f"forkcast-{version()}-{tag()}.whl"
    with tempfile.TemporaryDirectory() as work:
        made = contents(pathlib.Path(work))
    record = f"forkcast-{version()}.dist-info/RECORD"
    lines = "".join(record_line(path, data) for path, (data, _) in made.items())
    made[record] = (lines + f"{record},,\n").encode(), False
    with zipfile.ZipFile(pathlib.Path(wheel_directory, name), "w", zipfile.ZIP_DEFLATED, compresslevel=6) as wheel:
        for path, (data, is_program) in made.items():
            entry = zipfile.ZipInfo(path)  # of 1980, so that equal programs give equal bytes
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o100755 if is_program else 0o100644) << 16
            wheel.writestr(entry, data)
    return name


def build_sdist(sdist_directory, config_settings=None):
    sys.exit("forkcast: there is no source distribution for pip: the programs are built with CMake (scripts/package.sh wheel)")
