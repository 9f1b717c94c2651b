//! A text for the assembler.
#![no_main]

use keyvm::Machine;
use keyvm::fuzz::{Target, run_bytes};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Err(finding) = run_bytes::<Machine>(Target::Asm, bytes) {
        panic!("{finding}");
    }
});
