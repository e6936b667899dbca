"""A run of the stack: its folder, the programs in it, what they cost, and their end.

Everything that is started is a descendant of this process, also what makes itself a daemon: this process adopts whoever loses its
parent. So what there is to be stopped is known, whatever became of it, and nothing is found by its name.
"""

import contextlib
import ctypes
import http.client
import json
import os
import pathlib
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

TOP = pathlib.Path(__file__).resolve().parents[2]
KEPT = TOP / "build/full-stack/logs"  # of runs that failed, each in its folder
DEADLINE_S = 300  # of one thing; a busy machine takes its time
STOP_S = 30
SAMPLE_S = 0.5
ADOPT = 36  # PR_SET_CHILD_SUBREAPER
MIB = 1 << 20


class Trouble(Exception):
    """What ends a run, said in one line."""


class Stopped(BaseException):
    """By a signal."""

    def __init__(self, number):
        super().__init__(signal.Signals(number).name)
        self.number = number


def say(text=""):
    print(text, flush=True)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def ask(url, body=None, headers=None, method=None, timeout=DEADLINE_S):
    """The answer's status and its body, as text."""
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout)
    try:
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        if body is not None and not isinstance(body, (str, bytes)):
            body, headers = json.dumps(body), {"Content-Type": "application/json"} | (headers or {})
        connection.request(method or ("GET" if body is None else "POST"), path or "/", body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def ask_json(url, body=None, **options):
    """The body of an answer that has to be 2xx."""
    status, text = ask(url, body, **options)
    if status not in range(200, 300):
        raise Trouble(f"{url} answered {status}: {text[:500]}")
    return json.loads(text)


def eventually(what, why, deadline_s=DEADLINE_S, every_s=0.1):
    """What `what` returns, once that is true; what it raises while nobody listens counts as not yet."""
    deadline = time.monotonic() + deadline_s
    while True:
        try:
            found = what()
        except (OSError, http.client.HTTPException):
            found = None
        if found:
            return found
        if time.monotonic() > deadline:
            raise Trouble(f"{why}: not within {deadline_s} s")
        time.sleep(every_s)


def status_of(pid):
    """Parent and start of a process, None when it has ended."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else (int(fields[1]), int(fields[19]))


def memory_of(pid):
    """Its share of the machine's memory in bytes: a page that several have counts in parts."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="utf-8") as file:
            return next((1024 * int(line.split()[1]) for line in file if line.startswith("Pss:")), 0)
    except OSError:
        return 0


def descendants():
    """The processes below this one: number -> (parent, start)."""
    everybody = {int(name): found for name in os.listdir("/proc") if name.isdigit() and (found := status_of(name))}
    ours = {os.getpid()}
    grown = True
    while grown:
        below = {pid for pid, (parent, _) in everybody.items() if parent in ours} - ours
        ours |= below
        grown = bool(below)
    return {pid: everybody[pid] for pid in ours if pid != os.getpid()}


class Part:
    """A program of the stack, or all that one called it."""

    def __init__(self, name):
        self.name = name
        self.begun = time.monotonic()
        self.ready_s = None
        self.peak = 0
        self.processes = 0  # most at once


class Memory(threading.Thread):
    """Looks twice a second what each part has. A process belongs to the part of who started it, for good: whom it was adopted by later
    says nothing."""

    def __init__(self, parts):
        super().__init__(daemon=True)
        self.parts = parts
        self.roots = {}  # number -> part
        self.known = {}  # (number, start) -> part
        self.peak = 0
        self.ended = threading.Event()
        self.lock = threading.Lock()

    def begin(self, part, words, **options):
        """Starts a program of a part, while nobody looks: one that was seen before it is known whose it is would be nobody's."""
        with self.lock:
            child = subprocess.Popen([str(word) for word in words], start_new_session=True, **options)
            self.roots[child.pid] = part
            return child

    def run(self):
        while not self.ended.wait(SAMPLE_S):
            self.look()

    def part_of(self, pid, processes):
        parent, start = processes[pid]
        if (found := self.known.get((pid, start))) is None:
            found = self.roots.get(pid) or (self.part_of(parent, processes) if parent in processes else "other")
            self.known[(pid, start)] = found
        return found

    def look(self):
        with self.lock:
            processes = descendants()
            sums, counts = {}, {}
            for pid in processes:
                name = self.part_of(pid, processes)
                sums[name] = sums.get(name, 0) + memory_of(pid)
                counts[name] = counts.get(name, 0) + 1
        for name, value in sums.items():
            part = self.parts.setdefault(name, Part(name))
            part.peak = max(part.peak, value)
            part.processes = max(part.processes, counts[name])
        self.peak = max(self.peak, sum(sums.values()))


class Run:
    """The folder of a run, its programs and its report. Use it in a `with`: whatever happens, all is stopped and the folder goes."""

    def __init__(self, programs, tools, keep):
        self.programs, self.tools, self.keep = pathlib.Path(programs).resolve(), pathlib.Path(tools).resolve(), keep
        self.parts, self.steps, self.skipped = {}, [], []
        self.children = []
        self.begun = time.monotonic()

    def __enter__(self):
        if ctypes.CDLL(None, use_errno=True).prctl(ADOPT, 1, 0, 0, 0) != 0:
            raise Trouble("this process cannot adopt what its children leave behind (PR_SET_CHILD_SUBREAPER)")
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self.stop_by)
        # Short, since paths of sockets have 107 characters, and to be gone through by the databases' own users.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"fs-{os.getpid()}-", dir="/tmp"))
        self.folder.chmod(0o711)
        self.memory = Memory(self.parts)
        self.memory.start()
        return self

    @staticmethod
    def stop_by(number, _):
        for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(one, signal.SIG_IGN)  # what is stopped is stopped once
        raise Stopped(number)

    def __exit__(self, kind, error, _):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        if kind is not None and not issubclass(kind, SystemExit):
            self.keep_logs()
        begun = time.monotonic()
        self.stop_all()
        self.stopping_s = time.monotonic() - begun
        if not self.keep:
            shutil.rmtree(self.folder, ignore_errors=True)
        self.left = [pid for pid in descendants()]
        if self.folder.exists() and not self.keep:
            say(f"full_stack: {self.folder} cannot be removed")
        return False

    # What is started

    def environment(self, **more):
        """Ours, without what would set up a program, and without a proxy before this machine."""
        clean = {name: value for name, value in os.environ.items()
                 if not name.startswith(("FORKCAST_", "AIRFLOW_", "MLFLOW_", "RAY_", "PYTHON", "PG", "SAGEMAKER_", "MODEL_SERVER_"))}
        return clean | {"no_proxy": "127.0.0.1,localhost", "NO_PROXY": "127.0.0.1,localhost", "TMPDIR": str(self.folder)} | more

    def start(self, part, *words, user=None, env=None, stop=signal.SIGTERM):
        """Starts a program that stays. As `user` where this is root; else it would have to be root's."""
        become = ["setpriv", "--reuid", user, "--regid", user, "--clear-groups"] if user and os.geteuid() == 0 else []
        self.parts.setdefault(part, Part(part))
        with open(self.folder / f"{part}.log", "ab") as log:
            child = self.memory.begin(part, [*become, *words], cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                      env=env or self.environment())
        self.children.append((part, child, stop))
        return child

    def wait_until(self, part, child, is_ready, deadline_s=DEADLINE_S):
        def look():
            if child.poll() is not None:
                raise Trouble(f"{part} ended with {child.returncode}: {self.last_words(part)}")
            return is_ready()

        eventually(look, f"{part} is not ready", deadline_s)
        self.parts[part].ready_s = time.monotonic() - self.parts[part].begun

    def run(self, part, *words, env=None, code=(0,), user=None, text=None):
        """Runs a program to its end; what it printed. Any exit code but those of `code` is trouble."""
        become = ["setpriv", "--reuid", user, "--regid", user, "--clear-groups"] if user and os.geteuid() == 0 else []
        self.parts.setdefault(part, Part(part))
        with open(self.folder / f"{part}.log", "ab+") as log, open(self.folder / f"{part}.out", "wb+") as out:
            child = self.memory.begin(part, [*become, *words], cwd=self.folder, stdin=subprocess.PIPE if text is not None else subprocess.DEVNULL,
                                      stdout=out, stderr=log, env=env or self.environment())
            if text is not None:
                with contextlib.suppress(BrokenPipeError):
                    child.stdin.write(text.encode())
                    child.stdin.close()
            _, status, used = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
            # It may have been too short to be looked at. What the kernel says begins with what this process has, of which it was made.
            if used.ru_maxrss > resource.getrusage(resource.RUSAGE_SELF).ru_maxrss:
                self.parts[part].peak = max(self.parts[part].peak, 1024 * used.ru_maxrss)
            self.parts[part].processes = max(self.parts[part].processes, 1)
            out.seek(0)
            printed = out.read().decode(errors="replace")
            log.write(printed.encode())
        if child.returncode not in code:
            raise Trouble(f"{' '.join(map(str, words))[:300]} ended with {child.returncode}: {self.last_words(part)}")
        self.code = child.returncode
        return printed

    def forkcast(self, command, *words, env=None, code=(0,)):
        return self.run(command, self.programs / "forkcast", command, *words, env=env, code=code)

    def last_words(self, part):
        text = (self.folder / f"{part}.log").read_text(encoding="utf-8", errors="replace")
        return " | ".join(text.strip().splitlines()[-8:])[-2000:]

    # What is said

    @contextlib.contextmanager
    def step(self, name):
        """A stage, whose time is told with what `found` gets."""
        begun = time.monotonic()
        found = []
        yield found.append
        self.steps.append((name, time.monotonic() - begun, "; ".join(found)))
        say(f"{self.steps[-1][1]:8.1f} s  {name}{': ' if found else ''}{self.steps[-1][2]}")

    def skip(self, what, why):
        self.skipped.append((what, why))
        say(f"           {what}: skipped, {why}")

    def require(self, holds, what):
        if not holds:
            raise Trouble(what)

    def table(self):
        say()
        say(f"{'part':14} {'ready after':>12} {'peak memory':>12} {'processes':>10}")
        for part in sorted(self.parts.values(), key=lambda one: -one.peak):
            ready = f"{part.ready_s:.1f} s" if part.ready_s is not None else ""
            peak = f"{part.peak / MIB:.0f} MiB" if part.peak else ""
            say(f"{part.name:14} {ready:>12} {peak:>12} {part.processes:10}")
        say(f"{'all at once':14} {'':12} {self.memory.peak / MIB:8.0f} MiB")

    def report(self):
        return {"seconds": time.monotonic() - self.begun, "peak_mib": self.memory.peak / MIB, "stopping_s": self.stopping_s,
                "skipped": [{"what": what, "why": why} for what, why in self.skipped],
                "steps": [{"name": name, "seconds": seconds, "found": found} for name, seconds, found in self.steps],
                "parts": [{"name": part.name, "ready_s": part.ready_s, "peak_mib": part.peak / MIB, "processes": part.processes}
                          for part in self.parts.values()]}

    # How it ends

    def keep_logs(self):
        kept = KEPT / self.folder.name
        kept.mkdir(parents=True, exist_ok=True)
        for file in self.folder.glob("*.log"):
            shutil.copy(file, kept)
        say(f"full_stack: the logs are in {kept}")

    def stop_all(self):
        """The last one first; then whoever is still there."""
        for _, child, how in reversed(self.children):
            self.stop(child, how)
        for how, patience_s in [(signal.SIGTERM, STOP_S / 3), (signal.SIGKILL, STOP_S)]:
            for pid in descendants():
                with contextlib.suppress(OSError):
                    os.kill(pid, how)
            deadline = time.monotonic() + patience_s
            while descendants() and time.monotonic() < deadline:
                self.bury()
                time.sleep(0.05)
        self.memory.ended.set()
        self.memory.join()
        self.bury()

    @staticmethod
    def stop(child, how=signal.SIGTERM):
        """Asks a program to end, and waits; one that does not is killed with the rest."""
        if child.poll() is None:
            child.send_signal(how)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(STOP_S)

    def end(self, child, how=signal.SIGTERM):
        """Stops a program that has to be gone before another begins; its exit code."""
        self.stop(child, how)
        if child.poll() is None:
            raise Trouble(f"{child.args[-1]} does not end by {signal.Signals(how).name} within {STOP_S} s")
        return child.returncode

    @staticmethod
    def bury():
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def main(work, options):
    """Runs an application; the exit code."""
    try:
        with Run(options.bin, options.tools, options.keep) as run:
            work(run, options)
            run.memory.look()
            run.table()
    except Trouble as trouble:
        print(f"full_stack: {trouble}", file=sys.stderr)
        return 1
    except Stopped as stopped:
        print(f"full_stack: stopped by {stopped}", file=sys.stderr)
        return 128 + stopped.number
    finally:
        if "run" in locals() and hasattr(run, "left") and run.left:
            print(f"full_stack: still there: {run.left}", file=sys.stderr)
    say(f"everything was stopped within {run.stopping_s:.1f} s; {time.monotonic() - run.begun:.0f} s in all")
    if options.report:
        pathlib.Path(options.report).write_text(json.dumps(run.report(), indent=1) + "\n", encoding="utf-8")
    if run.left:
        return 1
    return 0
