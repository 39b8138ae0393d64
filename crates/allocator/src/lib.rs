//! The memory allocator of our programs.
//!
//! A program has it once it names this crate: `use clinstruct_allocator as _;`. It is a crate of its own because what
//! calls the allocator is compiled with the crate that names it, and the crate of the command is compiled for a short
//! compilation rather than for speed.

/// Many threads allocate many short strings; with the system's allocator they wait for each other.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
