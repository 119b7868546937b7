"""Two pieces of work in a row, in threads, in processes and in tasks: of Python, of C, and of waiting; prints ms in all."""
import asyncio, hashlib, json, multiprocessing, socket, struct, sys, threading, time

port, size = int(sys.argv[1]), float(sys.argv[2])
STEPS, BYTES, WAITS = int(3_000_000 * size), bytes(int(200_000_000 * size)), max(2, int(40 * size))

def computes():
    assert sum(i * i for i in range(STEPS)) >= 0

def hashes():
    assert hashlib.sha256(BYTES).digest()

def request(number):
    return struct.pack(">QI", number, 50 if size == 1 else 1)

def waits():
    with socket.create_connection(("127.0.0.1", port)) as connection:
        for number in range(WAITS // 2):
            connection.sendall(request(number))
            assert struct.unpack(">Q", connection.recv(8, socket.MSG_WAITALL)) == (number,)

async def awaits():
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for number in range(WAITS // 2):
        writer.write(request(number))
        assert struct.unpack(">Q", await reader.readexactly(8)) == (number,)
    writer.close()

def in_a_row(work):
    work()
    work()

def beside(kind, work):
    both = [kind(target=work) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
        assert getattr(one, "exitcode", 0) == 0, "a process failed"

async def tasks(work):
    async def one():
        work()
    await asyncio.gather(one(), one())

async def awaited():
    await asyncio.gather(awaits(), awaits())

totals, missing = {}, []

def timed(arm, call):
    began = time.perf_counter()
    call()
    totals[arm] = (time.perf_counter() - began) * 1e3

fork = multiprocessing.get_context("fork") if "fork" in multiprocessing.get_all_start_methods() else None
works = [("computing-in-python", computes), ("hashing-in-c", hashes), ("waiting", waits)]
try:
    import numpy
    values = numpy.random.default_rng(7).random(int(4_000_000 * size))
    # Into memory that is there: what is asked is who computes, not who gets pages from the kernel.
    outs = [numpy.zeros_like(values), numpy.zeros_like(values)]

    def exponentials():
        out = outs.pop()
        for _ in range(4):
            numpy.exp(values, out=out)
        outs.append(out)

    works.append(("exp-in-numpy", exponentials))
except ImportError:
    missing.append("numpy")
for name, work in works:
    # Once unmeasured: whoever comes first pays for pages and tables.
    work()
    timed(f"work={name} way=in-a-row", lambda: in_a_row(work))
    timed(f"work={name} way=threads", lambda: beside(threading.Thread, work))
    if fork:
        timed(f"work={name} way=processes", lambda: beside(fork.Process, work))
    timed(f"work={name} way=tasks", lambda: asyncio.run(awaited() if work is waits else tasks(work)))
gil = getattr(sys, "_is_gil_enabled", lambda: True)()
print(json.dumps({"totals": totals, "missing": missing, "gil": gil}))
