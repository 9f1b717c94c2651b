//! KeyVM: a virtual machine for running code nobody trusts.
#![forbid(unsafe_code)]
