"""The work of a message where it arrives, and given to a pool of threads each time; prints µs and switches for each message."""
import asyncio, collections, concurrent.futures, json, resource, sys, time

FRAME = (b'{"ty":"trade","cd":"KRW-BTC","tms":1795000000005,"td":"2026-11-22","ttm":"12:00:00","ttms":1795000000000,'
         b'"tp":140020000,"tv":0.02121627,"ab":"BID","pcp":139500000.00000000,"c":"RISE","cp":520000.00000000,'
         b'"sid":17950000000000000,"bap":140030000,"bas":0.11872904,"bbp":140020000,"bbs":0.00437181,"st":"REALTIME"}')
count = int(sys.argv[1])

def work(queue, frame):
    trade = json.loads(frame)
    record = {"market": trade["cd"], "id": trade["sid"], "price": trade["tp"], "volume": trade["tv"]}
    queue.append(json.dumps(record).encode())

async def inline(queue, _pool):
    for _ in range(count):
        work(queue, FRAME)

async def executor(queue, pool):
    loop = asyncio.get_running_loop()
    for _ in range(count):
        await loop.run_in_executor(pool, work, queue, FRAME)

async def not_awaited(queue, pool):
    loop = asyncio.get_running_loop()
    under_way = []
    for _ in range(count):
        under_way.append(loop.run_in_executor(pool, work, queue, FRAME))
        if len(under_way) == 100:
            await asyncio.gather(*under_way)
            under_way.clear()
    await asyncio.gather(*under_way)

seen = {}
for name, way in [("inline", inline), ("executor", executor), ("executor-not-awaited", not_awaited)]:
    queue = collections.deque(maxlen=10_000)
    with concurrent.futures.ThreadPoolExecutor(max_workers=4) as pool:
        before, began, used = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter(), time.process_time()
        asyncio.run(way(queue, pool))
        took, used, after = time.perf_counter() - began, time.process_time() - used, resource.getrusage(resource.RUSAGE_SELF)
    assert len(queue) == min(count, 10_000), "messages are missing"
    seen[name] = {
        "wall": took * 1e6 / count,
        "cpu": used * 1e6 / count,
        "switches": (after.ru_nvcsw - before.ru_nvcsw) / count,
    }
print(json.dumps(seen))
