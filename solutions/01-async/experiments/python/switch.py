"""Hands over so many times, between two tasks or two threads; prints ns and switches of threads for each."""
import asyncio, json, queue, resource, sys, threading, time

def switches():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_nvcsw, used.ru_nivcsw

async def tasks(hops):
    async def play():
        for _ in range(hops // 2):
            await asyncio.sleep(0)
    await asyncio.gather(play(), play())

def threads(hops):
    ping, pong = queue.SimpleQueue(), queue.SimpleQueue()
    def answer():
        for _ in range(hops // 2):
            pong.put(ping.get())
    other = threading.Thread(target=answer)
    other.start()
    for n in range(hops // 2):
        ping.put(n)
        pong.get()
    other.join()

who, hops = sys.argv[1], int(sys.argv[2])
before, began = switches(), time.perf_counter()
if who == "python-tasks":
    asyncio.run(tasks(hops))
else:
    threads(hops)
took, after = time.perf_counter() - began, switches()
print(json.dumps({
    "handover": took * 1e9 / hops,
    "voluntary": (after[0] - before[0]) / hops,
    "forced": (after[1] - before[1]) / hops,
}))
