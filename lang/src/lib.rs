//! What people write KeyVM programs in: the assembler and its inverse.
#![forbid(unsafe_code)]
