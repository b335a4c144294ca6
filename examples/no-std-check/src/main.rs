//! A program without the standard library that calls into every library crate of
//! scop, built without default features.
//!
//! `cargo check --no-default-features` on a host that has std does not show that a
//! dependency pulls std in. Here it does not link: std brings a panic handler, and
//! there is one already. Only the C library stands under this program, for `main`,
//! `malloc` and `abort`; it runs, and exits with 0.
#![no_std]
#![no_main]

extern crate alloc;

use core::{
    alloc::{GlobalAlloc, Layout},
    ffi::{c_int, c_void},
    panic::PanicInfo,
};

mod calls;
mod talk;

unsafe extern "C" {
    fn aligned_alloc(align: usize, size: usize) -> *mut c_void;
    fn free(at: *mut c_void);
    fn abort() -> !;
}

struct Allocator;

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

// SAFETY: `aligned_alloc` gives memory for any power of two and any multiple of it,
// which is what it is asked for here, and `free` takes what it gave.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let align = layout.align().max(size_of::<usize>());
        match layout.size().checked_next_multiple_of(align) {
            Some(size) => unsafe { aligned_alloc(align, size) }.cast(),
            None => core::ptr::null_mut(),
        }
    }

    unsafe fn dealloc(&self, at: *mut u8, _: Layout) {
        unsafe { free(at.cast()) }
    }
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    unsafe { abort() }
}

// `core` and `alloc` come compiled for unwinding and name these two. A panic aborts,
// so neither is ever called.

#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

#[unsafe(no_mangle)]
extern "C" fn _Unwind_Resume() -> ! {
    unsafe { abort() }
}

#[unsafe(no_mangle)]
extern "C" fn main(_: c_int, _: *const *const u8) -> c_int {
    calls::all();
    0
}
