//! The reference interpreter: what an instruction means.
//!
//! For every instruction the conditions are looked at in this order, and the first that fails is what happens:
//!
//! 1. the gas that the table names (the base of a formula) — else the process is out of gas;
//! 2. the operands that the table pops — else `StackUnderflow`;
//! 3. what the instruction itself demands, in the order of its row's traps;
//! 4. the gas that a formula adds;
//! 5. room on the stack, in the list of frames, in the key list — raised if it can be paid;
//! 6. the words that the instruction allocates.
//!
//! Until all hold nothing has changed, but that a raised capacity stays raised.

mod instructions;

use crate::kernel::{Activation, Kernel, PlainCall, Step, Stop};
use keyvm_isa::alu::ArithmeticTrap;
use keyvm_isa::code::FuncType;
use keyvm_isa::image::Frame;
use keyvm_isa::{Code, Op, Trap, dispatch, gas};

/// Somebody who wants to know where control arrives, or what is executed.
pub(crate) trait Watch {
    /// Whether it is told where control arrives.
    const ACTIVE: bool = true;
    /// Whether it is told what is executed.
    const RECORDS: bool = false;

    /// Called before each instruction.
    #[inline]
    fn execute(&mut self, _word: u64) {}

    /// Called after control has moved backwards, or into or out of a subroutine: to `index`, with so many operands above
    /// the base. `true` stops the interpreter there.
    fn arrive(&mut self, index: u64, height: usize) -> bool;
}

/// Nobody who waits for anything.
struct NoWatch;

impl Watch for NoWatch {
    const ACTIVE: bool = false;

    #[inline]
    fn arrive(&mut self, _: u64, _: usize) -> bool {
        false
    }
}

/// Executes the process that is loaded until something stops it. If the answer is `Switched` it is parked, and another
/// may be loaded.
pub(crate) fn interpret(kernel: &mut Kernel, act: &mut Activation, code: &Code) -> Stop {
    interpret_watched(kernel, act, code, &mut NoWatch)
}

/// As [`interpret`]; the watch is told, and does not stop it.
pub(crate) fn interpret_watched<W: Watch>(
    kernel: &mut Kernel,
    act: &mut Activation,
    code: &Code,
    watch: &mut W,
) -> Stop {
    loop {
        if let Some(stop) = interpret_until(kernel, act, code, watch) {
            return stop;
        }
    }
}

/// As [`interpret`], or (`None`) until the watch stops it.
#[inline(always)]
pub(crate) fn interpret_until<W: Watch>(
    kernel: &mut Kernel,
    act: &mut Activation,
    code: &Code,
    watch: &mut W,
) -> Option<Stop> {
    let normal = code.normal();
    let mut executed = 0;
    let mut machine = Interpreter { kernel, act, code };
    let stop = loop {
        let index = machine.act.index;
        // An index past the end can come with an image; it is as the end.
        let word =
            usize::try_from(index).ok().and_then(|i| normal.get(i)).copied().unwrap_or(Op::Halt as u64);
        machine.act.next = index + 1;
        if W::RECORDS {
            watch.execute(word);
        }
        if let Err(stop) = dispatch(&mut machine, word) {
            break Some(stop);
        }
        let next = machine.act.next;
        machine.act.index = next;
        executed += 1;
        if W::ACTIVE
            && (next <= index || calls_or_returns(word))
            && watch.arrive(next, machine.act.height - machine.act.base)
        {
            break None;
        }
    };
    machine.kernel.instructions += executed + u64::from(stop == Some(Stop::Switched));
    stop
}

/// Whether a word is an instruction that calls a subroutine or returns from one.
const fn calls_or_returns(word: u64) -> bool {
    const FIRST: u64 = Op::Call as u64;
    const LAST: u64 = Op::Tailcalltable as u64;
    matches!(word & 0xff, FIRST..=LAST)
}

/// Executes one instruction of the process that is loaded. It is not counted.
pub(crate) fn interpret_one(kernel: &mut Kernel, act: &mut Activation, code: &Code) -> Result<(), Stop> {
    let index = act.index;
    let word = usize::try_from(index).ok().and_then(|i| code.normal().get(i)).copied();
    act.next = index + 1;
    execute(&mut Interpreter { kernel, act, code }, word.unwrap_or(Op::Halt as u64))?;
    act.index = act.next;
    Ok(())
}

/// Executes one instruction, wherever it comes from.
fn execute(machine: &mut Interpreter<'_>, word: u64) -> Step {
    dispatch(machine, word)
}

/// Executes a call whole, if its callee only computes, straight through. If it does not, or traps, nothing has changed.
pub(crate) fn call_straight(
    kernel: &mut Kernel,
    act: &mut Activation,
    code: &Code,
    call: &PlainCall,
) -> bool {
    let Some(straight) = kernel.straight_callee(act, call) else { return false };
    let aside = kernel.begin_straight(act, call, &straight);
    // Nothing of the code that is loaded is looked at: such instructions have no constants or types.
    let mut callee = Interpreter { kernel, act, code };
    let computed = straight.instructions().iter().all(|&word| execute(&mut callee, word).is_ok());
    let returns = computed && act.height - act.base >= straight.results();
    if returns {
        kernel.end_straight(act, call, &straight, aside);
    } else {
        act.take_up(aside);
    }
    returns
}

struct Interpreter<'a> {
    kernel: &'a mut Kernel,
    act: &'a mut Activation,
    code: &'a Code,
}

/// What an arithmetic trap is called in the specification.
const fn trap_of(trap: ArithmeticTrap) -> Stop {
    Stop::Trap(match trap {
        ArithmeticTrap::DivideByZero => Trap::DivideByZero,
        ArithmeticTrap::IntegerOverflow => Trap::IntegerOverflow,
        ArithmeticTrap::InvalidConversion => Trap::InvalidConversion,
    })
}

impl Interpreter<'_> {
    /// The operand `depth` below the top; [`keyvm_isa::OpVisitor::begin`] has seen that it is there.
    #[inline(always)]
    fn at(&self, depth: usize) -> u64 {
        self.act.stack[self.act.height - 1 - depth]
    }

    /// Pops the top, which is there.
    #[inline(always)]
    fn pop(&mut self) -> u64 {
        self.act.height -= 1;
        self.act.stack[self.act.height]
    }

    #[inline(always)]
    fn push(&mut self, word: u64) -> Step {
        self.act.room(self.kernel, 1)?;
        self.act.push_unchecked(word);
        Ok(())
    }

    #[inline(always)]
    fn replace(&mut self, depth: usize, word: u64) {
        let at = self.act.height - 1 - depth;
        self.act.stack[at] = word;
    }

    #[inline(always)]
    fn unary(&mut self, f: impl FnOnce(u64) -> u64) -> Step {
        let result = f(self.at(0));
        self.replace(0, result);
        Ok(())
    }

    #[inline(always)]
    fn unary_or(&mut self, f: impl FnOnce(u64) -> Result<u64, ArithmeticTrap>) -> Step {
        let result = f(self.at(0)).map_err(trap_of)?;
        self.replace(0, result);
        Ok(())
    }

    #[inline(always)]
    fn binary(&mut self, f: impl FnOnce(u64, u64) -> u64) -> Step {
        let result = f(self.at(1), self.at(0));
        self.act.height -= 1;
        self.replace(0, result);
        Ok(())
    }

    #[inline(always)]
    fn binary_or(&mut self, f: impl FnOnce(u64, u64) -> Result<u64, ArithmeticTrap>) -> Step {
        let result = f(self.at(1), self.at(0)).map_err(trap_of)?;
        self.act.height -= 1;
        self.replace(0, result);
        Ok(())
    }

    /// Pops an address, adds the offset and loads.
    #[inline(always)]
    fn load<const N: usize>(&mut self, memory: u8, offset: u32, f: impl FnOnce([u8; N]) -> u64) -> Step {
        let address = self.at(0).checked_add(offset.into()).ok_or_else(|| self.bad_address(memory))?;
        let bytes = self.kernel.load(self.act, memory, address)?;
        self.replace(0, f(bytes));
        Ok(())
    }

    /// What a memory access whose address overflows traps with: the memory itself is looked at first.
    #[cold]
    fn bad_address(&self, memory: u8) -> Trap {
        self.kernel.load::<8>(self.act, memory, u64::MAX).err().unwrap_or(Trap::OutOfBounds)
    }

    #[cold]
    fn bad_store_address(&mut self, memory: u8) -> Trap {
        self.kernel.store::<8>(self.act, memory, u64::MAX, [0; 8]).err().unwrap_or(Trap::OutOfBounds)
    }

    #[inline(always)]
    fn load_at<const N: usize>(&mut self, memory: u8, offset: u32, f: impl FnOnce([u8; N]) -> u64) -> Step {
        let bytes = self.kernel.load(self.act, memory, offset.into())?;
        self.push(f(bytes))
    }

    #[inline(always)]
    fn store<const N: usize>(&mut self, memory: u8, offset: u32) -> Step {
        let Some(address) = self.at(1).checked_add(offset.into()) else {
            return Err(self.bad_store_address(memory).into());
        };
        self.kernel.store(self.act, memory, address, low::<N>(self.at(0)))?;
        self.act.drop_operands(2);
        Ok(())
    }

    #[inline(always)]
    fn store_at<const N: usize>(&mut self, memory: u8, offset: u32) -> Step {
        self.kernel.store(self.act, memory, offset.into(), low::<N>(self.at(0)))?;
        self.act.drop_operands(1);
        Ok(())
    }

    /// Goes on at `target`, if it is in the code or at its end.
    #[inline(always)]
    fn go(&mut self, target: u64) -> Step {
        if target > self.code.len() as u64 {
            return Err(Trap::BadTarget.into());
        }
        self.act.next = target;
        Ok(())
    }

    /// The place on the stack of the operand `slot` above the base.
    #[inline(always)]
    fn local(&self, slot: u32) -> Result<usize, Trap> {
        let at = self.act.base + slot as usize;
        if at < self.act.height { Ok(at) } else { Err(Trap::StackUnderflow) }
    }

    /// The type with this number.
    fn type_of(&self, number: u32) -> Result<FuncType, Trap> {
        self.code.types().get(number as usize).copied().ok_or(Trap::BadIndex)
    }

    /// The subroutine at `target`: its type and the type's number.
    #[inline]
    fn subroutine(&self, target: u64) -> Result<(FuncType, u32), Trap> {
        let number = self.code.func_at(target).ok_or(Trap::BadTarget)?;
        Ok((self.type_of(number)?, number))
    }

    /// The subroutine at `target`, which must take and leave as many words as type `expected`.
    fn typed(&self, target: u64, expected: FuncType) -> Result<(FuncType, u32), Trap> {
        let (found, number) = self.subroutine(target)?;
        if found.arguments != expected.arguments || found.results != expected.results {
            return Err(Trap::BadTarget);
        }
        Ok((found, number))
    }

    /// Calls a subroutine after `popped` operands have been taken off.
    #[inline]
    fn enter(&mut self, target: u64, (typ, number): (FuncType, u32), popped: usize) -> Step {
        let height = self.act.height - popped;
        let arguments = usize::from(typ.arguments);
        if height - self.act.base < arguments {
            return Err(Trap::StackUnderflow.into());
        }
        self.act.room_for_frame(self.kernel)?;
        self.act.height = height;
        let base = height - arguments;
        let return_index = u32::try_from(self.act.next).map_err(|_| Trap::BadTarget)?;
        let frame_base = u32::try_from(base).map_err(|_| Trap::StackOverflow)?;
        self.act.frames.push(Frame { return_index, base: frame_base, typ: number });
        self.act.base = base;
        self.act.next = target;
        Ok(())
    }

    /// Calls a subroutine in place of this one.
    fn replace_frame(&mut self, target: u64, (typ, number): (FuncType, u32), popped: usize) -> Step {
        let frame = *self.act.frames.last().ok_or(Trap::NoFrame)?;
        if self.type_of(frame.typ)?.results != typ.results {
            return Err(Trap::TypeMismatch.into());
        }
        let height = self.act.height - popped;
        let arguments = usize::from(typ.arguments);
        if height - self.act.base < arguments {
            return Err(Trap::StackUnderflow.into());
        }
        self.act.extra(gas::per_eight(typ.arguments.into()))?;
        let base = self.act.base;
        self.act.stack.copy_within(height - arguments..height, base);
        self.act.height = base + arguments;
        if let Some(frame) = self.act.frames.last_mut() {
            frame.typ = number;
        }
        self.act.next = target;
        Ok(())
    }

    fn in_frame(&self) -> Result<(), Trap> {
        if self.act.frames.is_empty() { Err(Trap::NoFrame) } else { Ok(()) }
    }
}

/// The low `N` bytes of a word.
#[inline(always)]
fn low<const N: usize>(word: u64) -> [u8; N] {
    let bytes = word.to_le_bytes();
    std::array::from_fn(|i| bytes[i])
}
