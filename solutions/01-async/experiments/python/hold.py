"""Makes so many tasks or threads that wait, and prints what each has cost: KiB of memory, of address space, of the kernel, and µs."""
import asyncio, json, sys, threading, time

def numbers():
    try:
        status = dict(line.split(":", 1) for line in open("/proc/self/status"))
        rollup = dict(line.split(":", 1) for line in list(open("/proc/self/smaps_rollup"))[1:])
        info = dict(line.split(":", 1) for line in open("/proc/meminfo"))
        kib = lambda text: float(text.split()[0])
        return {
            "memory": kib(rollup["Rss"]),
            "space": kib(status["VmSize"]),
            "kernel": kib(info["KernelStack"]) + kib(info["PageTables"]),
        }
    except OSError:
        return {}

def each(before, began, count):
    took = time.perf_counter() - began
    after = numbers()
    seen = {name: (after[name] - before[name]) / count for name in before}
    return {**seen, "create": took * 1e6 / count}

async def tasks(count):
    end = asyncio.Event()
    async def wait():
        await end.wait()
    before, began = numbers(), time.perf_counter()
    running = [asyncio.create_task(wait()) for _ in range(count)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    seen = each(before, began, count)
    end.set()
    await asyncio.gather(*running)
    return seen

def threads(count):
    begun, end = threading.Semaphore(0), threading.Event()
    def wait():
        begun.release()
        end.wait()
    before, began = numbers(), time.perf_counter()
    running = [threading.Thread(target=wait) for _ in range(count)]
    for thread in running:
        thread.start()
    for _ in running:
        begun.acquire()
    seen = each(before, began, count)
    end.set()
    for thread in running:
        thread.join()
    return seen

unit, count = sys.argv[1], int(sys.argv[2])
print(json.dumps(asyncio.run(tasks(count)) if unit == "python-task" else threads(count)))
