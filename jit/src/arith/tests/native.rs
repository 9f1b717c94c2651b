//! Compiling one arithmetic instruction, and running it on the processor at hand.

use cranelift_codegen::Context;
use cranelift_codegen::ir::immediates::{Ieee32, Ieee64};
use cranelift_codegen::ir::types::{F32, F64, I32, I64};
use cranelift_codegen::ir::{AbiParam, Function, InstBuilder, MemFlagsData, Value};
use cranelift_codegen::isa::{Builder, OwnedTargetIsa, TargetIsa};
use cranelift_codegen::settings::{self, Configurable};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use cranelift_jit::{JITBuilder, JITModule};
use cranelift_module::{FuncId, Module, default_libcall_names};
use keyvm_isa::Op;

use super::super::{Class, emit, shape, traps};

/// Where an operand comes from.
#[derive(Clone, Copy)]
pub(super) enum Source {
    /// From the words the function is called with: the one with this index.
    Loaded(usize),
    /// From the code.
    Constant(u64),
}

/// The target that `builder` names, at an optimisation level.
pub(super) fn target(builder: Builder, level: &str) -> OwnedTargetIsa {
    let mut flags = settings::builder();
    flags.set("opt_level", level).expect("a level");
    flags.set("enable_verifier", "true").expect("a flag");
    builder.finish(settings::Flags::new(flags)).expect("a target")
}

/// Makes a function of two pointers, to words and to pairs. For each list of operands in `cases` it writes a
/// pair: whether the instruction traps on them, and if not, its result.
pub(super) fn function(op: Op, cases: &[Vec<Source>], isa: &dyn TargetIsa) -> Function {
    let shape = shape(op).expect("an arithmetic instruction");
    let mut function = Function::new();
    function.signature.call_conv = isa.default_call_conv();
    function.signature.params.extend([AbiParam::new(I64), AbiParam::new(I64)]);
    let mut context = FunctionBuilderContext::new();
    let mut b = FunctionBuilder::new(&mut function, &mut context);
    let entry = b.create_block();
    b.append_block_params_for_function_params(entry);
    b.switch_to_block(entry);
    let [words, pairs] = *b.block_params(entry) else { unreachable!("two pointers") };
    for (case, sources) in cases.iter().enumerate() {
        let operands: Vec<Value> = sources
            .iter()
            .zip(shape.operands)
            .map(|(&source, &class)| operand(&mut b, words, source, class))
            .collect();
        let pair = i32::try_from(16 * case).expect("few cases");
        let done = b.create_block();
        if let Some(condition) = traps(&mut b, op, &operands) {
            let (trap, go_on) = (b.create_block(), b.create_block());
            b.ins().brif(condition, trap, &[], go_on, &[]);
            b.switch_to_block(trap);
            let yes = b.ins().iconst(I64, 1);
            b.ins().store(MemFlagsData::trusted(), yes, pairs, pair);
            b.ins().jump(done, &[]);
            b.switch_to_block(go_on);
        }
        let no = b.ins().iconst(I64, 0);
        b.ins().store(MemFlagsData::trusted(), no, pairs, pair);
        let result = emit(&mut b, op, &operands);
        let word = word(&mut b, result, shape.result);
        b.ins().store(MemFlagsData::trusted(), word, pairs, pair + 8);
        b.ins().jump(done, &[]);
        b.switch_to_block(done);
    }
    b.ins().return_(&[]);
    b.seal_all_blocks();
    b.finalize(isa.frontend_config());
    function
}

/// Brings an operand into the form that its class wants.
fn operand(b: &mut FunctionBuilder<'_>, words: Value, source: Source, class: Class) -> Value {
    let ty = match class {
        Class::Word => I64,
        Class::F64 => F64,
        Class::F32 => F32,
    };
    match (source, class) {
        (Source::Loaded(index), _) => {
            let offset = i32::try_from(8 * index).expect("few operands");
            b.ins().load(ty, MemFlagsData::trusted(), words, offset)
        }
        (Source::Constant(word), Class::Word) => b.ins().iconst(I64, word.cast_signed()),
        (Source::Constant(word), Class::F64) => b.ins().f64const(Ieee64::with_bits(word)),
        (Source::Constant(word), Class::F32) => {
            let low = u32::try_from(word & 0xffff_ffff).expect("32 bits");
            b.ins().f32const(Ieee32::with_bits(low))
        }
    }
}

/// The word of a result.
fn word(b: &mut FunctionBuilder<'_>, result: Value, class: Class) -> Value {
    let ty = b.func.dfg.value_type(result);
    match class {
        Class::Word => {
            assert_eq!(ty, I64);
            result
        }
        Class::F64 => {
            assert_eq!(ty, F64);
            b.ins().bitcast(I64, MemFlagsData::new(), result)
        }
        Class::F32 => {
            assert_eq!(ty, F32);
            let low = b.ins().bitcast(I32, MemFlagsData::new(), result);
            b.ins().uextend(I64, low)
        }
    }
}

/// Functions that the processor can run.
pub(super) struct Native {
    module: JITModule,
    /// The functions with their numbers of cases.
    functions: Vec<(FuncId, usize)>,
}

impl Native {
    pub(super) fn new(isa: OwnedTargetIsa) -> Self {
        let module = JITModule::new(JITBuilder::with_isa(isa, default_libcall_names()));
        Self { module, functions: Vec::new() }
    }

    pub(super) fn isa(&self) -> &dyn TargetIsa {
        self.module.isa()
    }

    /// Compiles the function of an instruction and these cases, and gives its number.
    pub(super) fn add(&mut self, op: Op, cases: &[Vec<Source>]) -> usize {
        let mut context = Context::for_function(function(op, cases, self.isa()));
        let id = self.module.declare_anonymous_function(&context.func.signature).expect("a function");
        self.module.define_function(id, &mut context).unwrap_or_else(|error| panic!("{op:?}: {error:?}"));
        self.functions.push((id, cases.len()));
        self.functions.len() - 1
    }

    /// Makes what has been added ready to run.
    pub(super) fn finish(&mut self) {
        self.module.finalize_definitions().expect("memory for code");
    }

    /// Runs a function on two words, and gives the outcome of each case: a result, or `None` for a trap.
    pub(super) fn run(&self, function: usize, words: [u64; 2], outcomes: &mut Vec<Option<u64>>) {
        let (id, cases) = self.functions[function];
        let mut pairs = vec![[0_u64; 2]; cases];
        let code = self.module.get_finalized_function(id);
        // SAFETY: the code is that of a function of this signature and calling convention, compiled for the
        // processor at hand and finalised; the module, which owns it, is alive.
        let entry: extern "C" fn(*const u64, *mut [u64; 2]) = unsafe { std::mem::transmute(code) };
        entry(words.as_ptr(), pairs.as_mut_ptr());
        outcomes.clear();
        outcomes.extend(pairs.iter().map(|&[trapped, result]| (trapped == 0).then_some(result)));
    }
}
