"""A Ceph cluster on this machine: one monitor, one manager, three OSDs, and the S3 gateway. No systemd, no containers.

    ceph.py DIR kill N      kills OSD number N of a cluster that runs in DIR
    ceph.py DIR start N     starts it again, and waits until the cluster has it
"""

import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
import uuid

OSDS = 3
KEY, SECRET = "AKRNTUPLE", "SKRNTUPLE123"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


CONFIG = """[global]
fsid = {fsid}
mon_host = [v2:127.0.0.1:{v2},v1:127.0.0.1:{v1}]
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
public_network = 127.0.0.0/8
cluster_network = 127.0.0.0/8
# Without authentication the gateway does not start.
auth_cluster_required = cephx
auth_service_required = cephx
auth_client_required = cephx
auth_allow_insecure_global_id_reclaim = false
run_dir = {dir}/run
admin_socket = {dir}/run/$name.$pid.asok
pid_file = {dir}/run/$name.pid
log_file = {dir}/log/$name.log
crash_dir = {dir}/log
keyring = {dir}/keyring
mon_data = {dir}/mon
mgr_data = {dir}/mgr
osd_data = {dir}/osd.$id
osd_objectstore = bluestore
bluestore_block_size = 4294967296
osd_memory_target = 939524096
osd_pool_default_size = {osds}
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 8
osd_pool_default_pgp_num = 8
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
mon_max_pg_per_osd = 1000
mon_warn_on_pool_no_redundancy = false
# A dead OSD is noticed after some seconds.
osd_heartbeat_interval = 2
osd_heartbeat_grace = 6
mon_osd_adjust_heartbeat_grace = false
mon_osd_min_down_reporters = 1
mon_osd_down_out_interval = 30
mon_pg_warn_min_per_osd = 0
mon_data_avail_warn = 5
mon_data_avail_crit = 2
[mgr]
mgr_initial_modules =
"""


class Ceph:
    def __init__(self, directory):
        self.dir = pathlib.Path(directory)
        self.conf = self.dir / "ceph.conf"
        self.keyring = self.dir / "keyring"

    def run(self, *command, timeout=180):
        done = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=timeout)
        if done.returncode:
            raise RuntimeError(f"{' '.join(map(str, command))}: {done.stdout.strip()}")
        return done.stdout

    def ceph(self, *command, timeout=20):
        return self.run("ceph", "-c", self.conf, *command, timeout=timeout)

    def spawn(self, name, *command):
        with open(self.dir / "log" / f"{name}.out", "ab") as log:
            process = subprocess.Popen([str(c) for c in command], stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                       start_new_session=True)
        (self.dir / "run" / f"{name}.number").write_text(str(process.pid))

    def until(self, what, test, seconds=90):
        end = time.monotonic() + seconds
        error = ""
        while time.monotonic() < end:
            try:
                if test():
                    return
            except (RuntimeError, OSError, subprocess.TimeoutExpired) as e:
                error = f" ({e})"
            time.sleep(0.2)
        raise RuntimeError(f"{what}: not within {seconds} s{error}")

    def osds_up(self, n):
        self.until(f"{n} OSDs up", lambda: f"{n} up" in self.ceph("osd", "stat"))

    def clean(self):
        """Whether every placement group has all its copies; some may be compared at the time."""
        states = self.ceph("pg", "stat").split(";")[0].split(": ", 1)[1]
        if all(state.split()[1].startswith("active+clean") for state in states.split(", ")):
            return True
        raise RuntimeError(states)

    def start_osd(self, number):
        self.spawn(f"osd.{number}", "ceph-osd", "-c", self.conf, "-f", "-i", number)

    def kill_osd(self, number):
        os.kill(int((self.dir / "run" / f"osd.{number}.number").read_text()), signal.SIGKILL)

    def up(self):
        for name in ["run", "log", "mon", "mgr"]:
            (self.dir / name).mkdir(parents=True, exist_ok=True)
        fsid, v2, v1 = uuid.uuid4(), free_port(), free_port()
        self.conf.write_text(CONFIG.format(fsid=fsid, v1=v1, v2=v2, dir=self.dir, osds=OSDS))
        first = ["--create-keyring"]
        for name, *caps in [
            ("mon.", "mon", "allow *"),
            ("client.admin", "mon", "allow *", "osd", "allow *", "mgr", "allow *"),
            ("mgr.x", "mon", "allow profile mgr", "osd", "allow *"),
            ("client.rgw.a", "mon", "allow rw", "osd", "allow rwx", "mgr", "allow rw"),
            *[(f"osd.{i}", "mon", "allow profile osd", "mgr", "allow profile osd", "osd", "allow *") for i in range(OSDS)],
        ]:
            pairs = zip(caps[::2], caps[1::2])
            caps = [word for daemon, cap in pairs for word in ("--cap", daemon, cap)]
            self.run("ceph-authtool", *first, self.keyring, "--gen-key", "-n", name, *caps)
            first = []
        addresses = f"[v2:127.0.0.1:{v2},v1:127.0.0.1:{v1}]"
        self.run("monmaptool", "--create", "--fsid", fsid, "--addv", "a", addresses, self.dir / "monmap")
        self.run("ceph-mon", "-c", self.conf, "--mkfs", "-i", "a", "--monmap", self.dir / "monmap", "--keyring", self.keyring)
        self.spawn("mon", "ceph-mon", "-c", self.conf, "-f", "-i", "a")
        self.until("a monitor", lambda: self.ceph("quorum_status", timeout=5))
        self.spawn("mgr", "ceph-mgr", "-c", self.conf, "-f", "-i", "x")
        for i in range(OSDS):
            (self.dir / f"osd.{i}").mkdir()
            number = uuid.uuid4()
            self.ceph("osd", "new", number)
            self.run("ceph-osd", "-c", self.conf, "--mkfs", "-i", i, "--osd-uuid", number)
            self.start_osd(i)
        self.osds_up(OSDS)

    def gateway(self):
        """Starts the S3 gateway; returns its endpoint."""
        port = free_port()
        endpoint = f"http://127.0.0.1:{port}"
        # Without this, small answers wait 40 ms for an acknowledgement.
        frontend = f"beast endpoint=127.0.0.1:{port} tcp_nodelay=1"
        self.spawn("gateway", "radosgw", "-c", self.conf, "-f", "-n", "client.rgw.a", "--keyring", self.keyring,
                   "--rgw-frontends", frontend)

        def answers():
            with socket.create_connection(("127.0.0.1", port), 1):
                return True

        self.until("the gateway", answers)
        self.run("radosgw-admin", "-c", self.conf, "user", "create", "--uid=t", "--display-name=t",
                 f"--access-key={KEY}", f"--secret-key={SECRET}")
        return endpoint

    def down(self):
        numbers = [int(path.read_text()) for path in (self.dir / "run").glob("*.number")]
        for sign, seconds in [(signal.SIGTERM, 10), (signal.SIGKILL, 5)]:
            for number in numbers:
                try:
                    os.kill(number, sign)
                except ProcessLookupError:
                    pass
            end = time.monotonic() + seconds
            while time.monotonic() < end and any(alive(number) for number in numbers):
                time.sleep(0.1)


def alive(number):
    try:
        os.waitpid(number, os.WNOHANG)
    except ChildProcessError:
        pass
    try:
        state = pathlib.Path(f"/proc/{number}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"


if __name__ == "__main__":
    cluster, (action, number) = Ceph(sys.argv[1]), sys.argv[2:]
    if action == "kill":
        cluster.kill_osd(int(number))
    else:
        cluster.start_osd(int(number))
        cluster.osds_up(OSDS)
        cluster.until("all in order", cluster.clean)
