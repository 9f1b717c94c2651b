//! Signals that ask the program to end.

use super::exit::Failure;
use std::io;

/// Calls `stop` whenever the program is asked to end: by Ctrl-C, by `SIGTERM`, or because its terminal is gone.
///
/// # Errors
/// If the system does not allow it.
pub(super) fn listen(stop: impl Fn() + Clone + Send + 'static) -> Result<(), Failure> {
    let to_others = listen_to_others(stop.clone());
    to_others.map_err(|error| Failure::about("cannot listen to SIGTERM and SIGHUP", error))?;
    ctrlc::set_handler(stop).map_err(|error| Failure::about("cannot listen to Ctrl-C", error))
}

/// Listens to `SIGTERM` and, where it is known that nobody asked for it to be ignored, as `nohup` does, to `SIGHUP`.
#[cfg(unix)]
fn listen_to_others(stop: impl Fn() + Send + 'static) -> io::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGTERM};
    let hangup = (ignores_hangups() == Some(false)).then_some(SIGHUP);
    let mut signals = signal_hook::iterator::Signals::new([SIGTERM].into_iter().chain(hangup))?;
    let wait = move || signals.forever().for_each(|_| stop());
    std::thread::Builder::new().name("keyvm-signals".to_owned()).spawn(wait)?;
    Ok(())
}

#[cfg(not(unix))]
fn listen_to_others(_: impl Fn() + Send + 'static) -> io::Result<()> {
    Ok(())
}

/// Whether `SIGHUP` is ignored, as Linux tells it.
#[cfg(unix)]
fn ignores_hangups() -> Option<bool> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
    let mask = u64::from_str_radix(mask.trim(), 16).ok()?;
    Some(mask & 1 << (signal_hook::consts::SIGHUP - 1) != 0)
}
