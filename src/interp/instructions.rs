//! What each instruction does.

use super::{Interpreter, call_straight};
use crate::kernel::{Step, Stop};
use keyvm_isa::layout::CHUNK_WORDS;
use keyvm_isa::{OpInfo, OpVisitor, Status, Trap, alu, gas};

/// Lists instructions whose meaning is one function of their operands.
macro_rules! arithmetic {
    ($( $helper:ident: $($name:ident)*; )*) => {
        $( $( #[inline(always)] fn $name(&mut self) -> Step { self.$helper(alu::$name) } )* )*
    };
}

/// Lists loads, with what becomes of the bytes.
macro_rules! loads {
    ($( $name:ident $at:ident $f:expr; )*) => {
        $( #[inline(always)] fn $name(&mut self, memory: u8, offset: u32) -> Step { self.$at(memory, offset, $f) } )*
    };
}

/// Lists stores, with how many bytes they store.
macro_rules! stores {
    ($( $name:ident $at:ident $n:literal; )*) => {
        $( #[inline(always)] fn $name(&mut self, memory: u8, offset: u32) -> Step { self.$at::<$n>(memory, offset) } )*
    };
}

/// Lists instructions that are the kernel's.
macro_rules! kernel {
    ($( $name:ident )*) => {
        $( fn $name(&mut self) -> Step { self.kernel.$name(self.act) } )*
    };
}

impl OpVisitor for Interpreter<'_> {
    type Out = Step;

    #[inline(always)]
    fn begin(&mut self, info: &'static OpInfo) -> Option<Step> {
        let cost = info.cost.base();
        if self.act.fuel < cost {
            self.act.charged = 0;
            return Some(Err(Stop::Gas(cost)));
        }
        self.act.fuel -= cost;
        self.act.charged = cost;
        if self.act.height - self.act.base < usize::from(info.pops) {
            return Some(Err(Stop::Trap(Trap::StackUnderflow)));
        }
        None
    }

    #[cold]
    fn unknown(&mut self) -> Step {
        self.act.charged = 0;
        Err(if self.act.fuel < 1 { Stop::Gas(1) } else { Stop::Trap(Trap::UnknownInstruction) })
    }

    arithmetic! {
        unary: clz ctz popcnt eqz extend8s extend16s extend32s wrap32 clz32 ctz32 extend8s32 extend16s32
            fabs fneg fsqrt fceil ffloor ftrunc fnearest fabs32 fneg32 fsqrt32 fceil32 ffloor32 ftrunc32 fnearest32
            itof utof itof32 utof32 i32tof i32tof32 ftoisat ftousat ftoi32sat ftou32sat
            f32toisat f32tousat f32toi32sat f32tou32sat promote demote;
        unary_or: ftoi ftou ftoi32 ftou32 f32toi f32tou f32toi32 f32tou32;
        binary: shl shr shrs rotl rotr lts gts les ges add32 sub32 mul32 shl32 shr32 shrs32 rotl32 rotr32
            lts32 gts32 les32 ges32 fadd fsub fmul fdiv fmin fmax fcopysign feq fne flt fgt fle fge
            fadd32 fsub32 fmul32 fdiv32 fmin32 fmax32 fcopysign32 feq32 fne32 flt32 fgt32 fle32 fge32;
        binary_or: div divs rem rems divs32 rems32;
    }

    loads! {
        load8 load |[b]: [u8; 1]| b.into();
        load8s load |b: [u8; 1]| alu::extend8s(b[0].into());
        load8s32 load |b: [u8; 1]| alu::extend8s32(b[0].into());
        load16 load |b| u16::from_le_bytes(b).into();
        load16s load |b| alu::extend16s(u16::from_le_bytes(b).into());
        load16s32 load |b| alu::extend16s32(u16::from_le_bytes(b).into());
        load32 load |b| u32::from_le_bytes(b).into();
        load32s load |b| alu::extend32s(u32::from_le_bytes(b).into());
        load64 load u64::from_le_bytes;
        load8at load_at |[b]: [u8; 1]| b.into();
        load16at load_at |b| u16::from_le_bytes(b).into();
        load32at load_at |b| u32::from_le_bytes(b).into();
        load64at load_at u64::from_le_bytes;
    }

    stores! {
        store8 store 1; store16 store 2; store32 store 4; store64 store 8;
        store8at store_at 1; store16at store_at 2; store32at store_at 4; store64at store_at 8;
    }

    kernel! {
        memresize random attenuate keymove keydrop keyroom transferkey keyget keyput gate revoke brand seal unseal
        destroy stop start pagenew keypage keyresize codeseal statehash create fork peek poke grow setmeter setkeeper
        meterread meterlimit
    }

    fn meter(&mut self) -> Step {
        self.kernel.meter_new(self.act)
    }

    fn copy(&mut self, target: u8, source: u8) -> Step {
        self.kernel.copy(self.act, target, source)
    }

    fn fill(&mut self, memory: u8) -> Step {
        self.kernel.fill(self.act, memory)
    }

    fn recurse(&mut self, words: u8, keys: u8) -> Step {
        let call = if keys == 0 { self.kernel.plain_call(self.act, words) } else { None };
        let Some(call) = call else { return self.kernel.recurse(self.act, words, keys) };
        if call_straight(self.kernel, self.act, self.code, &call) {
            return Ok(());
        }
        self.kernel.begin_call(self.act, &call);
        Err(Stop::Switched)
    }

    fn invoke(&mut self, words: u8, keys: u8) -> Step {
        self.kernel.invoke(self.act, words, keys)
    }

    fn r#yield(&mut self, words: u8, keys: u8) -> Step {
        self.kernel.give_back(self.act, words, keys, Status::Yielded)
    }

    fn r#return(&mut self, words: u8, keys: u8) -> Step {
        self.kernel.give_back(self.act, words, keys, Status::Returned)
    }

    fn halt(&mut self) -> Step {
        Err(self.kernel.halt(self.act))
    }

    fn nop(&mut self) -> Step {
        Ok(())
    }

    #[inline(always)]
    fn push(&mut self, value: i64) -> Step {
        Self::push(self, value.cast_unsigned())
    }

    #[inline(always)]
    fn r#const(&mut self, index: u32) -> Step {
        let value = *self.code.constants().get(index as usize).ok_or(Trap::BadIndex)?;
        Self::push(self, value)
    }

    #[inline(always)]
    fn drop(&mut self) -> Step {
        self.act.drop_operands(1);
        Ok(())
    }

    #[inline(always)]
    fn dup(&mut self) -> Step {
        let top = self.at(0);
        Self::push(self, top)
    }

    #[inline(always)]
    fn swap(&mut self) -> Step {
        let (a, b) = (self.at(1), self.at(0));
        self.replace(1, b);
        self.replace(0, a);
        Ok(())
    }

    fn rot(&mut self) -> Step {
        let height = self.act.height;
        self.act.stack[height - 3..height].rotate_right(1);
        Ok(())
    }

    fn rotback(&mut self) -> Step {
        let height = self.act.height;
        self.act.stack[height - 3..height].rotate_left(1);
        Ok(())
    }

    #[inline(always)]
    fn select(&mut self) -> Step {
        let chosen = if self.at(0) == 0 { self.at(1) } else { self.at(2) };
        self.act.drop_operands(2);
        self.replace(0, chosen);
        Ok(())
    }

    #[inline(always)]
    fn pick(&mut self, depth: u32) -> Step {
        if depth as usize >= self.act.height - self.act.base {
            return Err(Trap::StackUnderflow.into());
        }
        let word = self.at(depth as usize);
        Self::push(self, word)
    }

    #[inline(always)]
    fn put(&mut self, depth: u32) -> Step {
        if depth as usize >= self.act.height - self.act.base - 1 {
            return Err(Trap::StackUnderflow.into());
        }
        let word = self.pop();
        self.replace(depth as usize, word);
        Ok(())
    }

    #[inline(always)]
    fn get(&mut self, slot: u32) -> Step {
        let word = self.act.stack[self.local(slot)?];
        Self::push(self, word)
    }

    #[inline(always)]
    fn set(&mut self, slot: u32) -> Step {
        let at = self.local(slot)?;
        if at + 1 == self.act.height {
            // The slot is the operand itself: it is popped, and there is nowhere to put it.
            return Err(Trap::StackUnderflow.into());
        }
        let word = self.pop();
        self.act.stack[at] = word;
        Ok(())
    }

    #[inline(always)]
    fn tee(&mut self, slot: u32) -> Step {
        let at = self.local(slot)?;
        self.act.stack[at] = self.at(0);
        Ok(())
    }

    fn slide(&mut self, keep: u16, drop: u32) -> Step {
        if u64::from(keep) > CHUNK_WORDS {
            return Err(Trap::TooLarge.into());
        }
        let (keep, drop) = (usize::from(keep), drop as usize);
        if self.act.height - self.act.base < keep + drop {
            return Err(Trap::StackUnderflow.into());
        }
        self.act.extra(gas::per_eight(keep as u64))?;
        let height = self.act.height;
        self.act.stack.copy_within(height - keep..height, height - keep - drop);
        self.act.drop_operands(drop);
        Ok(())
    }

    fn height(&mut self) -> Step {
        let height = self.act.height - self.act.base;
        Self::push(self, height as u64)
    }

    #[inline(always)]
    fn jump(&mut self, target: u32) -> Step {
        self.go(target.into())
    }

    #[inline(always)]
    fn jumpif(&mut self, target: u32) -> Step {
        if self.at(0) != 0 {
            self.go(target.into())?;
        }
        self.act.drop_operands(1);
        Ok(())
    }

    #[inline(always)]
    fn jumpz(&mut self, target: u32) -> Step {
        if self.at(0) == 0 {
            self.go(target.into())?;
        }
        self.act.drop_operands(1);
        Ok(())
    }

    fn jumpto(&mut self) -> Step {
        self.go(self.at(0))?;
        self.act.drop_operands(1);
        Ok(())
    }

    #[inline(always)]
    fn switch(&mut self, table: u32) -> Step {
        let targets = self.code.switch(table).ok_or(Trap::BadIndex)?;
        let last = targets.len() - 1;
        let entry = usize::try_from(self.at(0)).map_or(last, |i| i.min(last));
        let target = targets[entry];
        self.go(target)?;
        self.act.drop_operands(1);
        Ok(())
    }

    fn func(&mut self, typ: u32) -> Step {
        let locals = self.type_of(typ)?.locals;
        self.act.extra(gas::per_eight(locals.into()))?;
        let locals = locals as usize;
        self.act.room(self.kernel, locals)?;
        let height = self.act.height;
        self.act.stack[height..height + locals].fill(0);
        self.act.height += locals;
        Ok(())
    }

    #[inline(always)]
    fn call(&mut self, target: u32) -> Step {
        let subroutine = self.subroutine(target.into())?;
        self.enter(target.into(), subroutine, 0)
    }

    fn callto(&mut self, typ: u32) -> Step {
        let target = self.at(0);
        let subroutine = self.typed(target, self.type_of(typ)?)?;
        self.enter(target, subroutine, 1)
    }

    fn calltable(&mut self, typ: u32, memory: u8) -> Step {
        let expected = self.type_of(typ)?;
        let target = self.kernel.mempush(self.act, memory.into(), self.at(0))?;
        let subroutine = self.typed(target, expected)?;
        self.enter(target, subroutine, 1)
    }

    fn ret(&mut self) -> Step {
        let frame = *self.act.frames.last().ok_or(Trap::NoFrame)?;
        let results = usize::from(self.type_of(frame.typ)?.results);
        if self.act.height - self.act.base < results {
            return Err(Trap::StackUnderflow.into());
        }
        self.act.extra(gas::per_eight(results as u64))?;
        let (height, base) = (self.act.height, self.act.base);
        self.act.stack.copy_within(height - results..height, base);
        self.act.height = base + results;
        self.act.frames.pop();
        self.act.rebase();
        self.act.next = frame.return_index.into();
        Ok(())
    }

    fn tailcall(&mut self, target: u32) -> Step {
        self.in_frame()?;
        let subroutine = self.subroutine(target.into())?;
        self.replace_frame(target.into(), subroutine, 0)
    }

    fn tailcallto(&mut self, typ: u32) -> Step {
        self.in_frame()?;
        let target = self.at(0);
        let subroutine = self.typed(target, self.type_of(typ)?)?;
        self.replace_frame(target, subroutine, 1)
    }

    fn tailcalltable(&mut self, typ: u32, memory: u8) -> Step {
        self.in_frame()?;
        let expected = self.type_of(typ)?;
        let target = self.kernel.mempush(self.act, memory.into(), self.at(0))?;
        let subroutine = self.typed(target, expected)?;
        self.replace_frame(target, subroutine, 1)
    }

    fn unreachable(&mut self) -> Step {
        Err(Trap::Unreachable.into())
    }

    fn fail(&mut self) -> Step {
        Err(Trap::Failed.into())
    }

    #[inline(always)]
    fn add(&mut self) -> Step {
        self.binary(u64::wrapping_add)
    }

    #[inline(always)]
    fn sub(&mut self) -> Step {
        self.binary(u64::wrapping_sub)
    }

    #[inline(always)]
    fn mul(&mut self) -> Step {
        self.binary(u64::wrapping_mul)
    }

    #[inline(always)]
    fn and(&mut self) -> Step {
        self.binary(|a, b| a & b)
    }

    #[inline(always)]
    fn or(&mut self) -> Step {
        self.binary(|a, b| a | b)
    }

    #[inline(always)]
    fn xor(&mut self) -> Step {
        self.binary(|a, b| a ^ b)
    }

    #[inline(always)]
    fn not(&mut self) -> Step {
        self.unary(|a| !a)
    }

    #[inline(always)]
    fn eq(&mut self) -> Step {
        self.binary(|a, b| (a == b).into())
    }

    #[inline(always)]
    fn ne(&mut self) -> Step {
        self.binary(|a, b| (a != b).into())
    }

    #[inline(always)]
    fn lt(&mut self) -> Step {
        self.binary(|a, b| (a < b).into())
    }

    #[inline(always)]
    fn gt(&mut self) -> Step {
        self.binary(|a, b| (a > b).into())
    }

    #[inline(always)]
    fn le(&mut self) -> Step {
        self.binary(|a, b| (a <= b).into())
    }

    #[inline(always)]
    fn ge(&mut self) -> Step {
        self.binary(|a, b| (a >= b).into())
    }

    fn div32(&mut self) -> Step {
        self.binary_or(|a, b| alu::div(alu::wrap32(a), alu::wrap32(b)))
    }

    fn rem32(&mut self) -> Step {
        self.binary_or(|a, b| alu::rem(alu::wrap32(a), alu::wrap32(b)))
    }

    #[inline(always)]
    fn mempush(&mut self) -> Step {
        let word = self.kernel.mempush(self.act, self.at(1), self.at(0))?;
        self.act.drop_operands(1);
        self.replace(0, word);
        Ok(())
    }

    #[inline(always)]
    fn memwrite(&mut self) -> Step {
        let [memory, index, value] = self.act.operands()?;
        self.kernel.memwrite(self.act, memory, index, value)?;
        self.act.drop_operands(3);
        Ok(())
    }

    fn memlen(&mut self) -> Step {
        let length = self.kernel.memlen(self.act, self.at(0))?;
        self.replace(0, length);
        Ok(())
    }

    fn size(&mut self, memory: u8) -> Step {
        let length = self.kernel.memlen(self.act, memory.into())?;
        Self::push(self, length)
    }

    fn memsize(&mut self) -> Step {
        let memories = self.kernel.numkeys(self.act.process) + u64::from(keyvm_isa::layout::FIRST_KEY_MEMORY);
        Self::push(self, memories)
    }

    fn numkeys(&mut self) -> Step {
        let keys = self.kernel.numkeys(self.act.process);
        Self::push(self, keys)
    }

    fn keyinfo(&mut self) -> Step {
        let (rights, kind) = self.kernel.key_info(self.act.process, self.at(0))?;
        self.act.room(self.kernel, 1)?;
        self.replace(0, rights);
        self.act.push_unchecked(kind);
        Ok(())
    }

    fn keysame(&mut self) -> Step {
        let same = self.kernel.same_key(self.act.process, self.at(1), self.at(0))?;
        self.act.drop_operands(1);
        self.replace(0, same.into());
        Ok(())
    }

    fn pagesize(&mut self) -> Step {
        let size = self.kernel.pagesize(self.act.process, self.at(0))?;
        self.replace(0, size);
        Ok(())
    }
}
