//! Engines whose code is all of one level.

use keyvm::{CompilerOptions, Engine, Levels, Tier};

/// An engine that compiles before anything runs, and only so.
pub(crate) fn compiling(levels: Levels) -> Engine {
    Engine::with_options(Tier::Jit, CompilerOptions { levels, ..CompilerOptions::default() })
}
