//! Reading a trade allocates nothing; writing one neither, once the buffer has room.

mod common;

use common::{DEFAULT, SIMPLE, trade};
use market::{Decode, Encoding};
use measure::Counting;
use wire::FrameDecoder;

#[global_allocator]
static COUNTING: Counting = Counting;

/// Of this thread: the test harness allocates on its own while a test runs.
fn allocations(mut work: impl FnMut()) -> u64 {
    work(); // whatever is set up once
    let before = Counting::of_thread();
    for _ in 0..1000 {
        work();
    }
    Counting::of_thread() - before
}

#[test]
fn a_trade_is_read_and_written_without_allocation() {
    let list = format!("[{SIMPLE}]");
    let escaped = SIMPLE
        .replace("KRW-BTC", "KRW\\u002dBTC")
        .replace("\"cd\"", "\"\\u0063d\"");
    for frame in [DEFAULT, SIMPLE, &list, &escaped] {
        let read = || {
            assert!(FrameDecoder.frame(std::hint::black_box(frame).as_bytes()).is_ok());
        };
        assert_eq!(allocations(read), 0, "reading {frame}");
    }
    for encoding in [Encoding::Json, Encoding::Protobuf] {
        let mut out = Vec::with_capacity(4096);
        let write = || {
            out.clear();
            wire::encode(encoding, std::hint::black_box(&trade()), &mut out);
            assert_eq!(wire::decode(encoding, &out), Ok(trade()));
        };
        assert_eq!(allocations(write), 0, "writing and reading {encoding}");
    }
}
