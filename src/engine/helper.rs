//! Instructions that native code has executed by the kernel, or the interpreter, and goes on behind.

use crate::interp::interpret_one;
use crate::kernel::{Activation, Kernel, Ref, Stop};
use keyvm_isa::layout::{MEMORY_META, MEMORY_OPERANDS, meta};
use keyvm_isa::{Code, ImmKind, Insn, Op};
use keyvm_jit::Context;

/// What a helper reaches.
pub(super) struct Host {
    pub(super) kernel: *mut Kernel,
    pub(super) act: *mut Activation,
    pub(super) code: *const Code,
    pub(super) memories: *const [u8],
    /// Gas that the activation has and native code does not count.
    pub(super) beyond: u64,
    /// Why the instruction of a helper did not complete; none if it was not tried.
    pub(super) stop: Option<Stop>,
}

/// Shows native code the memories that keys of a process name as they are now.
#[inline]
pub(super) fn look(context: &mut Context, kernel: &mut Kernel, process: Ref, memories: &[u8]) {
    for &memory in memories {
        context.views[usize::from(memory) - 3] = kernel.view(process, memory);
    }
}

/// Executes one instruction for native code.
pub(super) unsafe extern "C" fn helper(context: *mut Context, index: u64, height: u64) -> u64 {
    // SAFETY: `Door::enter` has set the context and what it points to, and touches none of that before native code
    // returns; native code itself does not run now.
    let (context, host) = unsafe {
        let context = &mut *context;
        let host = &mut *context.host.cast::<Host>();
        (context, host)
    };
    // SAFETY: as above.
    let (kernel, act, code) = unsafe { (&mut *host.kernel, &mut *host.act, &*host.code) };
    let base = context.stack_words - context.words_left();
    act.index = index;
    act.base = usize::try_from(base).unwrap_or(usize::MAX);
    act.height = usize::try_from(base + height).unwrap_or(usize::MAX);
    let Some(&word) = code.normal().get(usize::try_from(index).unwrap_or(usize::MAX)) else {
        return 1;
    };
    let opcode = word.to_le_bytes()[0];
    if kernel.do_plainly(act, opcode, context.gas_left()) {
        context.set_gas_after(act.fuel, 1);
        return 0;
    }
    let Some(op) = Op::from_byte(opcode) else { return 1 };
    // SAFETY: as above.
    unsafe { interpreted(context, host, word, op) }
}

/// The helper of a callee whose call has not begun: it executes nothing, so that native code leaves.
pub(super) const unsafe extern "C" fn refuse(_: *mut Context, _: u64, _: u64) -> u64 {
    1
}

/// Has the present instruction executed by the interpreter for native code; answers as a helper.
///
/// # Safety
/// As for a helper: the host is that of the context, and native code waits.
#[inline(never)]
unsafe fn interpreted(context: &mut Context, host: &mut Host, word: u64, op: Op) -> u64 {
    // SAFETY: nothing else touches what the host points to while native code waits.
    let (kernel, act, code, memories) =
        unsafe { (&mut *host.kernel, &mut *host.act, &*host.code, &*host.memories) };
    let index = act.index;
    let before = context.gas_left();
    act.fuel = before + host.beyond;
    if !is_for_helper(kernel, act, word, op) {
        return 1;
    }
    let mut executed = 0;
    let stop = loop {
        match interpret_one(kernel, act, code) {
            Ok(()) => {
                executed += 1;
                if act.index != index {
                    break None;
                }
            }
            Err(stop) => break Some(stop),
        }
    };
    // An instruction may have changed meters, and so how much gas there is. What native code counts never grows: it
    // executes fewer instructions than can be counted, however often there is more.
    let gas = act.fuel.min(before);
    host.beyond = act.fuel - gas;
    context.set_gas_after(gas, executed);
    host.stop = stop;
    context.data = act.data.view();
    look(context, kernel, act.process, memories);
    u64::from(stop.is_some())
}

/// Whether an instruction can be executed while native code waits: it reads nothing that only the interpreter has, has
/// room for its results, and control stays.
#[inline]
fn is_for_helper(kernel: &Kernel, act: &Activation, word: u64, op: Op) -> bool {
    let info = op.info();
    let suits = match op {
        Op::Destroy | Op::Stop => kernel.goes_quietly(act, op),
        Op::Mempush | Op::Memlen => Insn::decode(word).is_some_and(|insn| !shows_frames(act, &insn)),
        _ => info.imms.is_empty() || Insn::decode(word).is_some_and(|insn| !shows_frames(act, &insn)),
    };
    suits && act.height + usize::from(info.pushes) <= act.stack.len()
}

/// Whether an instruction may read what only the interpreter has: the operands of callers, the list of frames.
fn shows_frames(act: &Activation, insn: &Insn) -> bool {
    let operand = |depth: usize| {
        act.height.checked_sub(depth + 1).and_then(|at| act.stack.get(at)).copied().unwrap_or(u64::MAX)
    };
    let (operands, metadata) = (u64::from(MEMORY_OPERANDS), u64::from(MEMORY_META));
    match insn.op {
        Op::Mempush => {
            let (memory, field) = (operand(1), operand(0));
            memory == operands || (memory == metadata && field == meta::FRAMES)
        }
        Op::Memlen => operand(0) == operands,
        _ => insn.op.info().imms.iter().zip(insn.imms).any(|(imm, memory)| {
            let memory = u64::try_from(memory).unwrap_or(u64::MAX);
            imm.kind == ImmKind::Memory && (memory == operands || memory == metadata)
        }),
    }
}
