#!/usr/bin/env python3
"""Runs the storage tests on real servers, each on a free port of this machine and gone afterwards.

    servers.py [--ceph] [--only NAME,NAME] [COMMAND ...]

Servers: moto (S3), nginx (as usual; with one range per request; without ranges), XRootD's HTTP side, and with --ceph a
Ceph cluster of three OSDs, as RADOS and with its S3 gateway, of which one OSD is killed while data are read and written.
What is missing is installed: by pip into an environment below the target folder, by apt-get if this is root. A server that
cannot be installed or started is reported as skipped, by name.

COMMAND is run with RNTUPLE_TEST_<NAME> set for each server; without one, the tests of exactly those servers are run.
"""

import argparse
import os
import pathlib
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import venv

sys.dont_write_bytecode = True
import ceph  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve()
BUCKET = "rntuple"
POLICY = pathlib.Path("/usr/sbin/policy-rc.d")

NGINX = """daemon off; worker_processes 1; pid {dir}/nginx.pid; error_log {dir}/error.log; {user}
events {{ worker_connections 256; }}
http {{
  access_log off; sendfile on; client_max_body_size 0; root {dir}/data;
  client_body_temp_path {dir}/t1; proxy_temp_path {dir}/t2; fastcgi_temp_path {dir}/t3; uwsgi_temp_path {dir}/t4;
  scgi_temp_path {dir}/t5;
  server {{ listen 127.0.0.1:{usual}; dav_methods PUT DELETE; create_full_put_path on; location /denied {{ deny all; }} }}
  server {{ listen 127.0.0.1:{one}; max_ranges 1; }}
  server {{ listen 127.0.0.1:{none}; max_ranges 0; }}
}}
"""

XROOTD = """all.export /data
oss.localroot {dir}
all.adminpath {dir}/admin
all.pidpath {dir}/run
xrd.port {own}
xrd.network nodnr norpipa
xrd.allow host 127.0.0.1
xrd.protocol http:{http} libXrdHttp.so
"""

# XRootD listens on all addresses, whatever it is told: for it, those are this machine's own.
LOOPBACK = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

int bind(int fd, const struct sockaddr *to, socklen_t len) {
  int (*next)(int, const struct sockaddr *, socklen_t) = dlsym(RTLD_NEXT, "bind");
  struct sockaddr_in6 copy;
  if (!to || len > sizeof copy) return next(fd, to, len);
  memcpy(&copy, to, len);
  struct sockaddr_in *v4 = (struct sockaddr_in *)&copy;
  if (to->sa_family == AF_INET && v4->sin_addr.s_addr == htonl(INADDR_ANY)) v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (to->sa_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&copy.sin6_addr)) copy.sin6_addr = in6addr_loopback;
  return next(fd, (struct sockaddr *)&copy, len);
}
"""


class Skip(Exception):
    pass


class Servers:
    def __init__(self, work):
        self.work = work
        self.processes = []
        self.clusters = []
        self.variables = {}
        self.features = ["rntuple-io/io-uring"]

    def directory(self, name):
        path = self.work / name
        path.mkdir()
        path.chmod(0o755)
        return path

    def spawn(self, name, command, port, **more):
        log = open(self.work / f"{name}.log", "wb")
        process = subprocess.Popen([str(c) for c in command], stdout=log, stderr=log, stdin=subprocess.DEVNULL, **more)
        self.processes.append(process)
        end = time.monotonic() + 30
        while time.monotonic() < end and process.poll() is None:
            try:
                with socket.create_connection(("127.0.0.1", port), 1):
                    return
            except OSError:
                time.sleep(0.05)
        text = (self.work / f"{name}.log").read_text(errors="replace").strip()
        raise Skip(f"does not start: {text[-500:]}")

    def stop(self):
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for cluster in self.clusters:
            cluster.down()

    def moto(self):
        port = ceph.free_port()
        python = python_with("moto[s3,server]", "moto")
        self.spawn("moto", [python.with_name("moto_server"), "-H", "127.0.0.1", "-p", port], port)
        endpoint = f"http://127.0.0.1:{port}"
        urllib.request.urlopen(urllib.request.Request(f"{endpoint}/{BUCKET}", method="PUT"), timeout=10).close()
        keys = "aws_access_key_id=key aws_secret_access_key=secret aws_region=us-east-1"
        self.variables["MOTO"] = f"s3://{BUCKET}/some/where/ aws_endpoint={endpoint} {keys}"

    def nginx(self):
        binary = installed("nginx", "nginx-light")
        directory = self.directory("nginx")
        for name in ["data", "data/denied"]:
            (directory / name).mkdir()
        (directory / "data/denied/file.root").write_text("secret")
        usual, one, none = (ceph.free_port() for _ in range(3))
        user = "user root;" if os.geteuid() == 0 else ""
        config = directory / "nginx.conf"
        config.write_text(NGINX.format(dir=directory, user=user, usual=usual, one=one, none=none))
        self.spawn("nginx", [binary, "-c", config, "-e", directory / "error.log"], usual)
        base = f"http://127.0.0.1:{usual}"
        # An ETag is made of size and time, in seconds.
        self.variables["NGINX"] = f"{base}/a/b/ seconds denied={base}/denied/file.root"
        self.variables["NGINX_ONE_RANGE"] = f"http://127.0.0.1:{one}/one/ write={base}/one/ seconds"
        self.variables["NGINX_NO_RANGES"] = f"http://127.0.0.1:{none}/none/ write={base}/none/ no-ranges seconds"

    def xrootd(self):
        binary = installed("xrootd", "xrootd-server", "xrootd-server-plugins")
        if os.geteuid() != 0:
            raise Skip("needs root, to run as another user")
        directory = self.directory("xrootd")
        for name in ["data", "admin", "run"]:
            (directory / name).mkdir()
        (directory / "data/denied.root").write_text("secret")
        user = pwd.getpwnam("xrootd")
        for path in [directory, *directory.iterdir()]:
            os.chown(path, user.pw_uid, user.pw_gid)
        (directory / "data/denied.root").chmod(0)
        (directory / "loopback.c").write_text(LOOPBACK)
        library = directory / "loopback.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-o", library, directory / "loopback.c", "-ldl"], check=True)
        own, http = ceph.free_port(), ceph.free_port()
        (directory / "xrootd.cfg").write_text(XROOTD.format(dir=directory, own=own, http=http))
        command = [binary, "-I", "v4", "-c", directory / "xrootd.cfg", "-l", directory / "log", "-n", "test"]
        environment = {**os.environ, "LD_PRELOAD": str(library)}
        self.spawn("xrootd", command, http, cwd=directory, env=environment, user=user.pw_uid, group=user.pw_gid,
                   extra_groups=[])
        base = f"http://127.0.0.1:{http}/data"
        # It writes a file where it is, and tells nothing of it but its size.
        self.variables["XROOTD"] = f"{base}/sub/ no-versions not-atomic denied={base}/denied.root"

    def ceph(self):
        packages = ["ceph-mon", "ceph-osd", "ceph-mgr", "radosgw", "ceph-common"]
        for binary in ["ceph-mon", "ceph-osd", "ceph-mgr", "radosgw", "ceph"]:
            installed(binary, *packages)
        cluster = ceph.Ceph(self.directory("ceph"))
        self.clusters.append(cluster)
        cluster.up()
        endpoint = cluster.gateway()
        code = ("import boto3, botocore.config as c, sys; e, k, s, b = sys.argv[1:]; "
                "boto3.client('s3', endpoint_url=e, aws_access_key_id=k, aws_secret_access_key=s, region_name='us-east-1', "
                "config=c.Config(s3={'addressing_style': 'path'})).create_bucket(Bucket=b)")
        python = python_with("boto3", "boto3")
        cluster.run(python, "-c", code, endpoint, ceph.KEY, ceph.SECRET, BUCKET)
        keys = f"aws_access_key_id={ceph.KEY} aws_secret_access_key={ceph.SECRET} aws_region=us-east-1"
        self.variables["RADOSGW"] = f"s3://{BUCKET}/some/where/ keys aws_endpoint={endpoint} {keys}"
        self.variables["CEPH"] = f"{sys.executable} {HERE / 'ceph.py'} {cluster.dir}"
        if not any(pathlib.Path("/usr/include").rglob("librados.h")):
            install("librados-dev")
        cluster.ceph("osd", "pool", "create", BUCKET, "8", "8", "replicated")
        cluster.ceph("osd", "pool", "application", "enable", BUCKET, "rntuple")
        self.variables["RADOS"] = f"kv+rados://{BUCKET}/box/"
        # Where librados looks for the cluster.
        os.environ["CEPH_CONF"] = str(cluster.conf)
        self.features.append("rntuple-io/rados")


def python_with(package, module):
    """The Python of an environment that has a package."""
    directory = TARGET / "storage-servers"
    python = directory / "bin" / "python"
    if not python.exists():
        venv.create(directory, with_pip=True, clear=True)
    if subprocess.run([python, "-c", f"import {module}"], capture_output=True).returncode:
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", package], check=True)
    return python


def installed(binary, *packages):
    """Where a program is, once its packages are installed."""
    path = os.environ["PATH"] + ":/usr/sbin"
    if not shutil.which(binary, path=path):
        install(*packages)
    return shutil.which(binary, path=path)


def install(*packages):
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise Skip(f"{packages[0]} is not installed, and only root can do that with apt-get")
    # Without this, packages start what they bring.
    mine = not POLICY.exists()
    if mine:
        POLICY.write_text("#!/bin/sh\nexit 101\n")
        POLICY.chmod(0o755)
    try:
        apt = ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300"]
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in [["update"], ["install", "-y", "--no-install-recommends", *packages]]:
            done = subprocess.run([*apt, *command], env=environment, capture_output=True, text=True)
            if done.returncode:
                raise Skip(f"{packages[0]} cannot be installed: {done.stderr.strip()[-300:]}")
    finally:
        if mine:
            POLICY.unlink()


# The tests of each server, by the beginnings of their names; with Ceph, those that kill one of its OSDs.
TESTS = {
    "moto": ["targets::servers::moto", "uploads::one_answer_of_moto"],
    "nginx": ["targets::servers::nginx"],
    "xrootd": ["targets::servers::xrootd"],
    "ceph": ["targets::servers::rados", "uploads::one_answer_of_radosgw", "osd::rados"],
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ceph", action="store_true", help="with a Ceph cluster")
    parser.add_argument("--only", metavar="NAMES", help="only these, of: " + ", ".join(TESTS))
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="COMMAND")
    arguments = parser.parse_args()
    names = arguments.only.split(",") if arguments.only else [name for name in TESTS if name != "ceph" or arguments.ceph]
    work = pathlib.Path(tempfile.mkdtemp(prefix="rntuple-servers-"))
    work.chmod(0o755)
    servers, ran, skipped = Servers(work), [], []
    try:
        for name in names:
            since = time.monotonic()
            try:
                getattr(servers, name)()
            except (Skip, OSError, RuntimeError, KeyError, subprocess.SubprocessError) as error:
                skipped.append(f"skipped: {name}: {error}")
                print(skipped[-1], flush=True)
            else:
                ran.append(name)
                print(f"started: {name}, in {time.monotonic() - since:.1f} s", flush=True)
        command = arguments.command
        if not command:
            filters = [test for name in ran for test in TESTS[name]]
            command = ["cargo", "test", "--workspace", "--features", ",".join(servers.features), "--locked", "--test", "storage",
                       "--", "--ignored", "--nocapture", "--test-threads=1", *filters]
        variables = {f"RNTUPLE_TEST_{name}": line for name, line in servers.variables.items()}
        code = subprocess.run(command, cwd=ROOT, env={**os.environ, **variables}).returncode if ran else 0
    finally:
        servers.stop()
        shutil.rmtree(work, ignore_errors=True)
    for line in skipped:
        print(line)
    print("ran on: " + (", ".join(ran) or "nothing"))
    sys.exit(code)


if __name__ == "__main__":
    main()
