//! Operands as they are held, as they are wanted, and as they are seen.

use super::{Unit, Val};
use crate::arith::Class;
use crate::context::Context;
use crate::values::Form;
use cranelift_codegen::ir::condcodes::FloatCC;
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Value, types};
use keyvm_isa::alu::{CANONICAL_NAN_F32, CANONICAL_NAN_F64};
use std::mem::offset_of;

impl Unit<'_> {
    /// The bits of an operand as the specification wants them, in its own class.
    pub(super) fn canonical(&mut self, val: Val) -> Value {
        if !val.form.raw {
            return self.loaded(val);
        }
        if val.form.class == Class::Word {
            return val.value;
        }
        if self.quick {
            return self.canonical_selected(val);
        }
        // A branch that is hardly ever taken costs less than to have the canonical one at hand. Nor is it to be at hand all
        // through a loop, as a number would be, so it is read.
        let is_nan = self.b.ins().fcmp(FloatCC::Unordered, val.value, val.value);
        let nan = self.b.create_block();
        self.b.set_cold_block(nan);
        let next = self.b.create_block();
        let typ = self.b.func.dfg.value_type(val.value);
        let canonical = self.b.append_block_param(next, typ);
        self.b.ins().brif(is_nan, nan, &[], next, &[val.value.into()]);
        self.b.switch_to_block(nan);
        let place = size_of::<u64>() * usize::from(val.form.class == Class::F32);
        let value = self.get_as(typ, offset_of!(Context, nans) + place);
        self.b.ins().jump(next, &[value.into()]);
        self.b.switch_to_block(next);
        canonical
    }

    /// A raw float, or the canonical NaN in its place, without a branch: less to compile.
    fn canonical_selected(&mut self, val: Val) -> Value {
        let is_nan = self.b.ins().fcmp(FloatCC::Unordered, val.value, val.value);
        let nan = self.canonical_nan(val.form.class);
        self.b.ins().select(is_nan, nan, val.value)
    }

    fn canonical_nan(&mut self, class: Class) -> Value {
        match class {
            Class::F32 => {
                let bits = u32::try_from(CANONICAL_NAN_F32).expect("an f32's bits fit");
                self.b.ins().f32const(f32::from_bits(bits))
            }
            _ => self.b.ins().f64const(f64::from_bits(CANONICAL_NAN_F64)),
        }
    }

    /// An operand as a word.
    pub(super) fn as_word(&mut self, val: Val) -> Value {
        let value = self.canonical(val);
        match val.form.class {
            Class::Word => value,
            Class::F64 => self.b.ins().bitcast(types::I64, MemFlagsData::new(), value),
            Class::F32 => {
                let bits = self.b.ins().bitcast(types::I32, MemFlagsData::new(), value);
                self.b.ins().uextend(types::I64, bits)
            }
        }
    }

    /// An operand as it is to be held. A raw float may only go to where one is expected.
    pub(super) fn in_form(&mut self, val: Val, form: Form) -> Value {
        if val.form.class == form.class && val.form.raw && !form.raw {
            return self.canonical(val);
        }
        self.in_class(val, form.class)
    }

    /// An operand in a class. A float of the class stays raw.
    pub(super) fn in_class(&mut self, val: Val, class: Class) -> Value {
        if val.form.class == class {
            return self.loaded(val);
        }
        match (class, val.bound.known) {
            (Class::F64, Some(word)) => return self.b.ins().f64const(f64::from_bits(word)),
            (Class::F32, Some(word)) => {
                let [a, b, c, d, ..] = word.to_le_bytes();
                return self.b.ins().f32const(f32::from_le_bytes([a, b, c, d]));
            }
            _ => {}
        }
        let word = self.as_word(val);
        match class {
            Class::Word => word,
            Class::F64 => self.b.ins().bitcast(types::F64, MemFlagsData::new(), word),
            Class::F32 => {
                let low = self.b.ins().ireduce(types::I32, word);
                self.b.ins().bitcast(types::F32, MemFlagsData::new(), low)
            }
        }
    }
}
