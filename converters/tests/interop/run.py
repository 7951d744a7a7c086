#!/usr/bin/env python3
"""Holds what the project writes against the other implementations: ROOT, uproot, JSROOT. See README.md.

    run.py --rntuple target/release/rntuple --example target/debug/examples/interop [--peers DIR] [--work DIR]

Peers are installed into DIR by pip and npm when they are not there. One that cannot be installed is left out with a
message; with INTEROP=required in the environment, that is a failure.
"""
import argparse
import os
import pathlib
import sys
import tempfile
import time

import copies
import peers
from files import Files


def find_peers(folder, work):
    """ROOT (or none), the other readers, and what is missing."""
    root, readers, missing, venv = None, [], {}, None
    try:
        venv = peers.environment(folder)
        readers.append(peers.uproot(venv))
        try:
            root = peers.Root(venv, work)
        except peers.Missing as why:
            missing["ROOT"] = why
    except peers.Missing as why:
        missing |= {"ROOT": why, "uproot": why}
    try:
        readers.append(peers.jsroot(folder, venv))
    except peers.Missing as why:
        missing["JSROOT"] = why
    return root, readers, missing


def check(arguments, root, readers, work):
    vectors = peers.VECTORS
    corpus = arguments.corpus if arguments.corpus and arguments.corpus.is_dir() else None
    if corpus is None:
        print("the corpus is not there: golden files only")
    files = Files(arguments.rntuple, arguments.example, root, readers, vectors, work)
    sections = files.made()
    if root:
        (work / "by_root").mkdir()
        made = root.run(work / "root_files", "make", work / "by_root")
        if made.returncode:
            raise RuntimeError(f"root_files make: {made.stderr}")
        sections += files.hadd() + files.existing() + files.continued()
        # uproot is there if ROOT is: they come together
        sections += files.with_uproot(peers.python(arguments.peers))
    sections += copies.check(arguments.rntuple, root, readers, vectors, corpus, work)
    if root:
        sections += copies.check_options(arguments.rntuple, root, vectors, work)
        sections += copies.check_encodings(arguments.rntuple, root, work / "made" / "plain.root", work)
        if arguments.large:
            sections += files.large()
    return sections


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rntuple", type=pathlib.Path, required=True, help="the program")
    parser.add_argument("--example", type=pathlib.Path, required=True, help="the example `interop` of rntuple-io")
    parser.add_argument("--peers", type=pathlib.Path, default=pathlib.Path("target/interop"), help="where peers are installed")
    parser.add_argument("--work", type=pathlib.Path, help="folder for all files, which stay [default: a temporary one]")
    parser.add_argument("--large", action="store_true", help="also write a file of more than 2 GiB")
    parser.add_argument("--corpus", type=pathlib.Path, default=peers.HERE.parents[3] / "shared" / "corpus")
    arguments = parser.parse_args()
    for name in ("rntuple", "example", "peers"):
        setattr(arguments, name, getattr(arguments, name).resolve())

    started = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        work = (arguments.work or pathlib.Path(scratch)).resolve()
        work.mkdir(parents=True, exist_ok=True)
        root, readers, missing = find_peers(arguments.peers, work)
        print(f"interop: peers are ready ({time.monotonic() - started:.0f} s)", flush=True)
        for name, why in missing.items():
            print(f"interop: skipped: {name}: {why}")
        if not root and not readers:
            sections = []
        else:
            sections = check(arguments, root, readers, work)
    passed = sum(section.passed for section in sections)
    failed = sum(section.failed for section in sections)
    print(f"interop: {passed} passed, {failed} failed, {len(missing)} peers skipped ({time.monotonic() - started:.0f} s)")
    return 1 if failed or (missing and os.environ.get("INTEROP") == "required") else 0


if __name__ == "__main__":
    sys.exit(main())
