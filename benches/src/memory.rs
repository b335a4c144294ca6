//! A global allocator that counts calls and knows what is held.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
};

struct Counting;

static CALLS: AtomicU64 = AtomicU64::new(0);
static HELD: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// One thread measures, so a plain load and store will do: a locked instruction at
// each allocation would count against whoever allocates more.
fn add(size: usize) {
    CALLS.store(CALLS.load(Relaxed) + 1, Relaxed);
    let held = HELD.load(Relaxed).wrapping_add(size);
    HELD.store(held, Relaxed);
    if held > PEAK.load(Relaxed) {
        PEAK.store(held, Relaxed);
    }
}

fn sub(size: usize) {
    HELD.store(HELD.load(Relaxed).wrapping_sub(size), Relaxed);
}

// SAFETY: every call is handed to `System` unchanged; only numbers are kept here.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        add(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        add(layout.size());
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        sub(layout.size());
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // Both are there while the bytes move.
        add(size);
        sub(layout.size());
        unsafe { System.realloc(at, layout, size) }
    }
}

/// Calls of the allocator so far.
pub fn allocations() -> u64 {
    CALLS.load(Relaxed)
}

/// Bytes of heap held now.
pub fn held() -> usize {
    HELD.load(Relaxed)
}

/// The most that `work` held at a time, over what was held before.
pub fn peak(work: impl FnOnce()) -> usize {
    let before = held();
    PEAK.store(before, Relaxed);
    work();
    PEAK.load(Relaxed) - before
}
