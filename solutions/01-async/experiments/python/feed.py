"""Receives so many trades, each behind its length; prints how many came, in how many seconds, and the processor time."""
import asyncio, json, os, socket, sys, time

client, parse, port, count = sys.argv[1], sys.argv[2] == "json", int(sys.argv[3]), int(sys.argv[4])
websocket = sys.argv[5:] == ["websocket"]

if client.startswith("uvloop"):
    try:
        import uvloop
    except ImportError:
        print(json.dumps({"missing": "uvloop"}))
        sys.exit()
    new_loop = uvloop.new_event_loop
else:
    new_loop = asyncio.new_event_loop

KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
HELLO = b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: " + KEY + \
    b"\r\nSec-WebSocket-Version: 13\r\n\r\n"

def length(head):
    # Over WebSocket a frame of this size has two bytes of flags and two of length; else there are four of length.
    return int.from_bytes(head[2:] if websocket else head, "big")

def whole(body):
    return 1 if not parse else json.loads(body)["cd"] == "KRW-BTC"

async def streams():
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
    if websocket:
        writer.write(HELLO)
        await reader.readuntil(b"\r\n\r\n")
    came = 0
    for _ in range(count):
        head = await reader.readexactly(4)
        came += whole(await reader.readexactly(length(head)))
    writer.close()
    return came

class Receiver(asyncio.Protocol):
    def __init__(self, done):
        self.rest, self.came, self.done, self.greeted = b"", 0, done, not websocket

    def connection_made(self, transport):
        self.transport = transport
        if websocket:
            transport.write(HELLO)

    def data_received(self, data):
        data, at = self.rest + data, 0
        if not self.greeted:
            end = data.find(b"\r\n\r\n")
            if end < 0:
                self.rest = data
                return
            self.greeted, at = True, end + 4
        while len(data) >= at + 4:
            end = at + 4 + length(data[at:at + 4])
            if end > len(data):
                break
            self.came += whole(data[at + 4:end])
            at = end
            if self.came == count:
                self.done.set_result(self.came)
                self.transport.close()
                return
        self.rest = data[at:]

async def protocol():
    loop = asyncio.get_running_loop()
    done = loop.create_future()
    await loop.create_connection(lambda: Receiver(done), "127.0.0.1", port)
    return await done

def blocking():
    connection = socket.create_connection(("127.0.0.1", port))
    source, came = connection.makefile("rb", 64 << 10), 0
    for _ in range(count):
        came += whole(source.read(length(source.read(4))))
    return came

began, used = time.perf_counter(), time.process_time()
if client == "blocking-socket":
    came = blocking()
else:
    loop = new_loop()
    came = loop.run_until_complete(streams() if client.endswith("streams") else protocol())
print(json.dumps({"count": came, "seconds": time.perf_counter() - began, "cpu": time.process_time() - used}))
sys.stdout.flush()
os._exit(0)  # a loop that is being taken apart is not measured
