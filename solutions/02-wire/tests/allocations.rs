//! Reading a trade allocates nothing; writing one neither, once the buffer has room.

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use common::{DEFAULT, SIMPLE, trade};
use market::{Decode, Encoding};
use wire::FrameDecoder;

struct Counting;

thread_local! {
    /// Per thread: the test harness allocates on its own while a test runs.
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: every call goes unchanged to the system's allocator, which keeps the contract; counting touches no memory of it.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // A thread that is ending has no counter any more, and nothing to count.
        let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
        // SAFETY: the caller keeps the contract of `alloc`, which is this one's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: `at` came from `System.alloc` with this layout, as the caller promises.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

fn allocations(mut work: impl FnMut()) -> u64 {
    work(); // whatever is set up once
    let before = ALLOCATIONS.get();
    for _ in 0..1000 {
        work();
    }
    ALLOCATIONS.get() - before
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
