#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the images Kubernetes' conformance tests run, out of Debian packages and the suite's own programs, and pushes them.

Usage: conformance-images.py BASE PROGRAMS WORK REGISTRY

Needs Debian's `busybox-static` and `bash-static`.

BASE is a tar of a Debian root file system with dig, curl and netcat; PROGRAMS a directory with `agnhost` and, where the
tests of aggregation are to run, `sample-apiserver` and `etcd`, all of them static; WORK a directory for the OCI layouts;
REGISTRY what `docker-registry` serves, `localhost:5000`. Names and tags are those of the suite for 1.36.
"""
import gzip, hashlib, io, json, os, shutil, subprocess, sys, tarfile

base, programs, work, registry = sys.argv[1:5]
promoted = f"{registry}/e2e-test-images"


def program(source):
    """Compiles a C program statically and returns the file."""
    path = os.path.join(work, hashlib.sha256(source.encode()).hexdigest()[:12])
    if not os.path.exists(path):
        subprocess.run(["cc", "-static", "-Os", "-s", "-x", "c", "-o", path, "-"], input=source.encode(), check=True)
    return path


class Layer:
    """A tar in memory or on disk, as a gzip blob with its digests."""

    def __init__(self, entries=None, path=None):
        if path:
            data = open(path, "rb").read()
        else:
            buffer = io.BytesIO()
            with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
                for entry in entries:
                    self.add(archive, **entry)
            data = buffer.getvalue()
        self.diff_id = "sha256:" + hashlib.sha256(data).hexdigest()
        self.blob = gzip.compress(data, 1, mtime=0)

    @staticmethod
    def add(archive, name, file=None, text=None, link=None, directory=False, mode=0o755):
        info = tarfile.TarInfo(name)
        info.mode = mode
        data = b""
        if link is not None:
            info.type, info.linkname = tarfile.SYMTYPE, link
        elif directory:
            info.type = tarfile.DIRTYPE
        else:
            data = open(file, "rb").read() if file else text.encode()
            info.size = len(data)
        archive.addfile(info, io.BytesIO(data))


def image(name, layers, **config):
    layout = os.path.join(work, name.rsplit("/", 1)[-1].replace(":", "_"))
    shutil.rmtree(layout, ignore_errors=True)
    os.makedirs(os.path.join(layout, "blobs/sha256"))

    def blob(data, media_type):
        digest = hashlib.sha256(data).hexdigest()
        with open(os.path.join(layout, "blobs/sha256", digest), "wb") as file:
            file.write(data)
        return {"mediaType": media_type, "digest": "sha256:" + digest, "size": len(data)}

    prefix = "application/vnd.oci.image."
    described = [blob(layer.blob, prefix + "layer.v1.tar+gzip") for layer in layers]
    configuration = blob(json.dumps({
        "architecture": {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine], "os": "linux", "config": config,
        "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]},
    }).encode(), prefix + "config.v1+json")
    manifest = blob(json.dumps({
        "schemaVersion": 2, "mediaType": prefix + "manifest.v1+json", "config": configuration, "layers": described,
    }).encode(), prefix + "manifest.v1+json")
    with open(os.path.join(layout, "index.json"), "w") as file:
        json.dump({"schemaVersion": 2, "manifests": [manifest]}, file)
    with open(os.path.join(layout, "oci-layout"), "w") as file:
        file.write('{"imageLayoutVersion": "1.0.0"}')
    subprocess.run(["skopeo", "copy", "--quiet", "--insecure-policy", "--dest-tls-verify=false", "oci:" + layout,
                    "docker://" + name], check=True)
    print(name, flush=True)
    shutil.rmtree(layout)


os.makedirs(work, exist_ok=True)
path_variable = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
certificate = os.path.join(work, "localhost")
subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3650", "-subj", "/CN=localhost",
                "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", certificate + ".key", "-out",
                certificate + ".crt"], check=True, stderr=subprocess.DEVNULL)

debian = Layer(path=base)
agnhost = Layer([
    dict(name="agnhost", file=os.path.join(programs, "agnhost")), dict(name="agnhost-2", link="agnhost"),
    dict(name="localhost.crt", file=certificate + ".crt", mode=0o644),
    dict(name="localhost.key", file=certificate + ".key", mode=0o644), dict(name="uploads", directory=True, mode=0o777),
])
ports = {f"{port}/tcp": {} for port in (80, 8080, 8081, 9376, 5000)}
for tag in ("2.63.0", "2.55"):
    image(f"{promoted}/agnhost:{tag}", [debian, agnhost], Entrypoint=["/agnhost"], Cmd=["pause"], Env=[path_variable],
          ExposedPorts=ports)

applets = subprocess.run(["/bin/busybox", "--list"], capture_output=True, text=True, check=True).stdout.split()
busybox = Layer(
    [dict(name=name, directory=True) for name in ("bin", "etc", "usr", "usr/bin", "var", "root")]
    + [dict(name="tmp", directory=True, mode=0o1777), dict(name="bin/busybox", file="/bin/busybox")]
    + [dict(name="bin/" + applet, link="busybox") for applet in applets if applet not in ("busybox", "sh")]
    # Debian's ash drops variables whose names no shell could say, as `data-1`; the tests look for such.
    + [dict(name="bin/sh", file="/bin/bash-static")]
    + [dict(name="etc/passwd", text="root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/home:/bin/false\n", mode=0o644),
       dict(name="etc/group", text="root:x:0:\nnobody:x:65534:\n", mode=0o644)])
image(f"{promoted}/busybox:1.37.0-1", [busybox], Cmd=["sh"], Env=[path_variable])

pause = program("#include <signal.h>\n#include <unistd.h>\n"
                "static void end(int s) { _exit(0); }\n"
                "int main(void) { signal(SIGINT, end); signal(SIGTERM, end); for (;;) pause(); }\n")
image(f"{registry}/pause:3.10.2", [Layer([dict(name="pause", file=pause)])], Entrypoint=["/pause"], User="65535:65535")
image(f"{promoted}/nginx:1.15-4", [Layer([dict(name="pause", file=pause)])], Entrypoint=["/pause"])
image(f"{promoted}/glibc-dns-testing:2.0.0", [debian], Cmd=["/bin/sh"], Env=[path_variable])

for name in ("nautilus", "kitten"):
    extra = Layer([dict(name="data.json", text='{"image": "%s.jpg"}' % name, mode=0o644),
                   dict(name="etc/os-release", text='NAME="Alpine Linux"\nID=alpine\n', mode=0o644)])
    image(f"{promoted}/{name}:1.8", [agnhost, extra], Entrypoint=["/agnhost", "test-webserver"], Env=[path_variable])

effective = program('#include <stdio.h>\n#include <unistd.h>\nint main(void) { printf("Effective uid: %d\\n", geteuid()); }\n')
image(f"{promoted}/nonewprivs:1.4", [busybox, Layer([
    dict(name="usr/local", directory=True), dict(name="usr/local/bin", directory=True),
    dict(name="usr/local/bin/nnp", file=effective, mode=0o4755)])], Entrypoint=["/usr/local/bin/nnp"], Env=[path_variable])

for name, program_name, place in ((f"{promoted}/sample-apiserver:1.29.2", "sample-apiserver", "sample-apiserver"),
                                  (f"{registry}/etcd:3.6.8-0", "etcd", "usr/local/bin/etcd")):
    file = os.path.join(programs, program_name)
    if os.path.exists(file):
        image(name, [busybox, Layer([dict(name=place, file=file)])], Entrypoint=["/" + place], Env=[path_variable])
