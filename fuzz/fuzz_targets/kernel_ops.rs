//! Random processes, keys, meters, keepers and gates, said by the bytes, under the laws.
#![no_main]

use keyvm::Machine;
use keyvm::fuzz::{Target, run_bytes};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Err(finding) = run_bytes::<Machine>(Target::Kernel, bytes) {
        panic!("{finding}");
    }
});
