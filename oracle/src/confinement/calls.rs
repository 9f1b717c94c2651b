//! Who is called: a process that its caller has a key to, with the rights that the specification demands.

use super::keys;
use super::reach::is_live;
use keyvm_isa::Rights;
use keyvm_isa::image::{Body, Call, Image};

/// Holds a call that has just begun to the keys of the caller.
///
/// # Errors
/// If it has no key that allows the call.
pub(super) fn begun(before: &Image<'_>, after: &Image<'_>) -> Result<(), String> {
    let [.., caller, called] = &after.chain[..] else { return Ok(()) };
    let process = called.process;
    let body = |image: &Image<'_>| match image.object(process).map(|object| &object.body) {
        Some(Body::Process(process)) => Some((process.standing, process.caller)),
        _ => None,
    };
    let Some((stands, _)) = body(after) else { return Ok(()) };
    // Control goes down to one that was suspended, and that who runs waits for still, without asking for a key.
    let is_resumed = body(before).is_some_and(|(_, waits)| waits == caller.process);
    if after.chain.len() != before.chain.len() + 1 || is_resumed {
        return Ok(());
    }
    let needed = match called.call {
        // A keeper is asked by whoever runs.
        Call::Keeper => return Ok(()),
        Call::Recurse { .. } if stands => &[Rights::CALL, Rights::MEND][..],
        Call::Recurse { .. } | Call::Invoke => &[Rights::CALL],
    };
    let mut held = after.object(caller.process).into_iter().flat_map(keys);
    let allows = held.any(|key| {
        key.object == process
            && key.seal == 0
            && is_live(after, key)
            && needed.iter().all(|&right| key.rights.has(right))
    });
    if allows {
        return Ok(());
    }
    Err(format!(
        "process {} called process {process}, to which it has no key that allows that",
        caller.process
    ))
}
