//! An allocator that counts, for programs that say what their work allocates.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

thread_local! {
    static OF_THREAD: Cell<u64> = const { Cell::new(0) };
}

static OF_ALL: AtomicU64 = AtomicU64::new(0);

/// The system's allocator, counted. A test or a bench makes it its `#[global_allocator]`. What C libraries allocate does not
/// pass through it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counting;

impl Counting {
    /// Allocations of this thread so far.
    #[must_use]
    pub fn of_thread() -> u64 {
        OF_THREAD.get()
    }

    /// Allocations of all threads so far.
    #[must_use]
    pub fn of_all() -> u64 {
        OF_ALL.load(Ordering::Relaxed)
    }
}

// SAFETY: every call goes unchanged to the system's allocator, which keeps the contract; counting touches no memory of it.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // A thread that is ending has no counter any more, and nothing to count.
        let _ = OF_THREAD.try_with(|count| count.set(count.get() + 1));
        OF_ALL.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `alloc`, which is this one's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let _ = OF_THREAD.try_with(|count| count.set(count.get() + 1));
        OF_ALL.fetch_add(1, Ordering::Relaxed);
        // SAFETY: as for `alloc`; `at` came from this allocator, which is the system's.
        unsafe { System.realloc(at, layout, size) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: `at` came from `System` with this layout, as the caller promises.
        unsafe { System.dealloc(at, layout) }
    }
}
