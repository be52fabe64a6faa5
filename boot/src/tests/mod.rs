//! Tests of the library: each part on its own, and all of it on an imitation of a machine's memory.

mod address_space_walk;
mod booted;
mod errors;
mod handed_over;
mod kernel_file;
mod kernel_image;
mod layout;
mod loader;
mod machine;
mod memory_map;
mod multiboot;
mod pvh;
