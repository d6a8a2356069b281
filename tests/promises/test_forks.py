"""A tap in a process that forks or spawns others: each counts for itself, and none hangs."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from support.paths import TESTS

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(not hasattr(os, 'fork'), reason='this platform does not fork')

BEGIN = """
import asyncio, os, signal, socket, sys, threading, time, traceback, urllib.request
from prometheus_client import CollectorRegistry, REGISTRY, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from support.scripted import agent, nap
from streamtap import Tap, default_sinks, serve

def run(tap):
    asyncio.run(agent(['hi'], capabilities=[tap.capability()]).run('hello'))

def open_run(tap):
    # In a thread, until the process ends.
    napping = agent([nap(300, 'a')], capabilities=[tap.capability()])
    threading.Thread(target=lambda: asyncio.run(napping.run('hello')), daemon=True).start()
    until(lambda: tap.live().tools)

def until(look):
    deadline = time.monotonic() + 20
    while not look():
        assert time.monotonic() < deadline
        time.sleep(0.02)

def reads(what):
    while True:
        what()

def child(work):
    pid = os.fork()
    if not pid:
        signal.alarm(20)
        status = 1
        try:
            work()
            status = 0
        except SystemExit as left:
            # As the interpreter ends.
            import atexit
            atexit._run_exitfuncs()
            status = left.code or 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            os._exit(status)
    return pid

def ended(pid):
    assert os.waitpid(pid, 0)[1] == 0, 'the child failed, or hung'

def runs(registry=REGISTRY):
    return sum(
        sample.value for family in registry.collect() for sample in family.samples
        if sample.name == 'pydantic_ai_runs_total'
    )

def everybody():
    registry = CollectorRegistry()
    MultiProcessCollector(registry)
    return registry

def value(name):
    lines = generate_latest(everybody()).decode().splitlines()
    return [line.rpartition(' ')[2] for line in lines if line.startswith(name + '{')]
"""


def ran(program: str, **environment: str) -> list[str]:
    """What a process prints that runs it, and ends well."""
    done = subprocess.run(
        [sys.executable, '-c', BEGIN + program],
        env={**os.environ, 'PYTHONPATH': os.pathsep.join([str(TESTS), *sys.path]), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )
    assert done.returncode == 0, done.stderr
    assert 'Traceback' not in done.stderr, done.stderr
    return done.stdout.splitlines()


def test_open_runs_stay_the_parents():
    """A child shows none in progress, and at its exit reports none; it measures its own."""
    assert ran("""
ended_runs = []
tap = Tap(on_run=lambda record: print(record.agent, record.outcome, os.getpid() == parent, flush=True))
parent = os.getpid()
run(tap)
tap.flush()
open_run(tap)

def work():
    assert tap.live().runs == ()
    run(tap)
    assert tap.usage.summary().total.runs == 2
    assert REGISTRY.get_sample_value('pydantic_ai_runs_in_progress', {'agent': 'scripted'}) == 0
    assert runs() == 2
    sys.exit()

ended(child(work))
assert len(tap.live().runs) == 1
assert runs() == 1
os._exit(0)
""") == ['scripted success True', 'scripted success False']


def test_no_lock_of_a_thread_that_stayed_behind_is_waited_for():
    """However busy the ledger, the live view, a slow sink and the gauges are when the process forks."""
    ran("""
tap = Tap(on_run=lambda record: time.sleep(0.001))
serve(tap, port=0)
run(tap)
view = next(sink for sink in tap._out._sinks if type(sink).__name__ == 'LiveView')

for what in (tap.usage.summary, view.now, tap.live, lambda: tap.flush()):
    threading.Thread(target=reads, args=(what,), daemon=True).start()

def work():
    run(tap)
    tap.close()

for _ in range(12):
    ended(child(work))
os._exit(0)
""")


def test_a_server_is_the_parents_alone():
    """A child does not hold its port, and closing it there does nothing."""
    ran("""
server = serve(port=0)
told, tell = os.pipe()

def work():
    server.close()
    os.read(told, 1)

pid = child(work)
assert urllib.request.urlopen(server.url).status == 200
server.close()
with socket.socket() as client:
    assert client.connect_ex(('127.0.0.1', server.port)) != 0
os.write(tell, b'.')
ended(pid)
""")


def test_workers_forked_from_a_loaded_application_count_together(tmp_path: Path):
    """In multiprocess mode, also while the parent writes its gauges, whose lock prometheus_client shares by all values."""
    ran(
        """
tap = Tap()
run(tap)
gauges = next(sink for sink in tap._out._sinks if type(sink).__name__ == 'PrometheusSink')._exposition.gauges
threading.Thread(target=reads, args=(gauges.write,), daemon=True).start()

for _ in range(12):
    ended(child(lambda: (run(tap), sys.exit())))
assert runs(everybody()) == 13
assert value('pydantic_ai_runs_in_progress') == ['0.0']

pid = child(lambda: (open_run(tap), time.sleep(60)))
until(lambda: value('pydantic_ai_runs_in_progress') == ['1.0'])
os.kill(pid, signal.SIGKILL)
os.waitpid(pid, 0)
from prometheus_client.multiprocess import mark_process_dead
mark_process_dead(pid)
assert value('pydantic_ai_runs_in_progress') == ['0.0'], value('pydantic_ai_runs_in_progress')
""",
        PROMETHEUS_MULTIPROC_DIR=str(tmp_path),
    )


def test_a_process_that_runs_no_agent_writes_nothing(tmp_path: Path):
    """A forked child leaves no file behind that nobody would mark as dead."""
    ran(
        """
tap = Tap()
before = sorted(os.listdir(os.environ['PROMETHEUS_MULTIPROC_DIR']))
ended(child(lambda: (time.sleep(1.5), sys.exit())))
assert sorted(os.listdir(os.environ['PROMETHEUS_MULTIPROC_DIR'])) == before
""",
        PROMETHEUS_MULTIPROC_DIR=str(tmp_path),
    )


COUNTED = """
import asyncio, multiprocessing, sys
from prometheus_client import CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector
from support.scripted import agent
from streamtap import Tap
tap = Tap()
def job(number):
    with tap:
        asyncio.run(agent(["hi"]).run("hello", event_stream_handler=tap))
if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    jobs = [context.Process(target=job, args=(number,)) for number in range(3)]
    for one in jobs: one.start()
    for one in jobs: one.join()
    assert [one.exitcode for one in jobs] == [0, 0, 0]
    registry = CollectorRegistry()
    MultiProcessCollector(registry)
    samples = [sample for family in registry.collect() for sample in family.samples]
    print(sum(one.value for one in samples if one.name == "pydantic_ai_runs_total"))
"""


def worked(folder: Path, program: str, *arguments: object) -> str:
    """What a program in a file prints, which spawned processes can import; all of them count into one folder."""
    (folder / 'work.py').write_text(program, encoding='utf-8')
    (folder / 'metrics').mkdir()
    done = subprocess.run(
        [sys.executable, folder / 'work.py', *map(str, arguments)],
        env={
            **os.environ,
            'PROMETHEUS_MULTIPROC_DIR': str(folder / 'metrics'),
            'PYTHONPATH': os.pathsep.join([str(TESTS), *sys.path]),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize('method', ['fork', 'spawn', 'forkserver'])
def test_processes_of_multiprocessing_count_together(tmp_path: Path, method: str):
    """Each has the tap of the module; at its end it closes it, as such a process runs no exit functions."""
    assert worked(tmp_path, COUNTED, method) == '3.0'


POOL = """
import asyncio, multiprocessing, os, sys, time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from prometheus_client import CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector
from support.scripted import Calls, agent
from streamtap import JournalSink, RunRecord, Tap, default_sinks, read_journal

FOLDER = Path(sys.argv[1])

def told(record):
    time.sleep(0.05)  # Slower than the jobs: records wait in the queue when the last of them is done.
    with (FOLDER / f'told-{os.getpid()}').open('a') as file:
        print(record.run_id, file=file)

def make():
    return Tap([*default_sinks(), JournalSink(FOLDER / 'runs-{pid}.jsonl')], on_run=told)

tap = make() if sys.argv[3] == 'at import' else None

def job(number):
    global tap
    tap = tap or make()
    asyncio.run(agent([Calls('n', '{}')], ['hi']).run('hello', event_stream_handler=tap))
    return os.getpid()

def counted():
    registry = CollectorRegistry()
    MultiProcessCollector(registry)
    samples = [sample for family in registry.collect() for sample in family.samples]
    return sum(one.value for one in samples if one.name == 'pydantic_ai_runs_total')

if __name__ == '__main__':
    context = multiprocessing.get_context(sys.argv[2])
    if sys.argv[4] == 'executor':
        with ProcessPoolExecutor(2, context) as pool:
            done = list(pool.map(job, range(12)))
    else:
        pool = context.Pool(2)
        done = pool.map(job, range(12))
        pool.close()
        pool.join()
    assert os.getpid() not in done
    written = [record for path in FOLDER.glob('runs-*.jsonl') for record in read_journal(path)]
    runs = {record.run_id for record in written if isinstance(record, RunRecord)}
    called = {line for path in FOLDER.glob('told-*') for line in path.read_text().split()}
    print(len(runs), len(written), called == runs, counted())
"""


@pytest.mark.parametrize(
    ('method', 'made', 'kind'),
    [
        ('fork', 'at import', 'executor'),
        ('fork', 'in the job', 'pool'),
        ('forkserver', 'at import', 'pool'),
        ('forkserver', 'in the job', 'executor'),
        ('spawn', 'at import', 'executor'),
    ],
)
def test_a_pool_of_processes_loses_no_record(tmp_path: Path, method: str, made: str, kind: str):
    """The last records, which wait for a slow sink when the pool is shut down, are delivered though nobody closes the tap."""
    (tmp_path / 'files').mkdir()
    # A run, its two responses and its tool call.
    assert worked(tmp_path, POOL, tmp_path / 'files', method, made, kind) == '12 48 True 12.0'


UNUSED = """
import multiprocessing, os
from streamtap import BaseSink, Tap

class Told(BaseSink):
    inline = True
    def detached(self, attachment):
        print('detached', 'here' if os.getpid() == PARENT else 'there', flush=True)

PARENT = os.getpid()
tap = Tap([Told()])
process = multiprocessing.get_context('fork').Process(target=print, args=('done', ), kwargs={'flush': True})
process.start()
process.join()
tap.close()
"""


def test_a_child_that_runs_no_agent_detaches_nothing(tmp_path: Path):
    """What the parent's sinks hold, such as a connection, stays as it is."""
    assert worked(tmp_path, UNUSED).split('\n') == ['done', 'detached here']


def test_a_child_that_ends_at_once_has_lost_nothing_that_was_flushed(tmp_path: Path):
    """`os._exit` runs nothing at all: what it should not lose must be flushed before."""
    assert ran(f"""
from streamtap import JournalSink, read_journal
tap = Tap([JournalSink({str(tmp_path)!r} + '/runs-{{pid}}.jsonl')])

def work():
    run(tap)
    tap.flush()
    os._exit(0)

pid = child(work)
ended(pid)
print(len(list(read_journal({str(tmp_path)!r} + f'/runs-{{pid}}.jsonl'))))
""") == ['2']
