//! Every arithmetic instruction, compiled and run, against its definition.

mod native;
mod reference;

use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::ExternalName;
use cranelift_codegen::isa::{self, OwnedTargetIsa};
use cranelift_codegen::{Context, FinalizedRelocTarget};
use keyvm_isa::{OPS, Op, alu};

use super::{Class, Shape, available, shape};
use native::{Native, Source};

/// The arithmetic instructions with their shapes.
fn instructions() -> impl Iterator<Item = (Op, Shape)> {
    OPS.iter().filter_map(|info| Some((info.op, shape(info.op)?)))
}

/// The operands of one case, all of which come with the call.
fn loaded(shape: Shape) -> Vec<Source> {
    (0..shape.operands.len()).map(Source::Loaded).collect()
}

/// The target of the processor at hand: with all it has, or with only what every one of its kind has.
fn host(everything: bool, level: &str) -> OwnedTargetIsa {
    let all = cranelift_native::builder().expect("a processor that Cranelift knows");
    let builder = if everything { all } else { isa::lookup(all.triple().clone()).expect("the same") };
    native::target(builder, level)
}

/// The target of a processor elsewhere, with only what every one of its kind has.
fn elsewhere(triple: &str, level: &str) -> OwnedTargetIsa {
    native::target(isa::lookup_by_name(triple).expect("a target"), level)
}

/// Compares what the processor gave with what it should have given.
#[track_caller]
fn compare(
    op: Op,
    shape: Shape,
    operands: &[u64],
    expected: impl Fn(&[u64]) -> Option<u64>,
    found: Option<u64>,
) {
    let canonical = |word: u64| match shape.result {
        Class::F64 if shape.raw => alu::canonical_f64(f64::from_bits(word)),
        Class::F32 if shape.raw => {
            assert_eq!(word >> 32, 0);
            alu::canonical_f32(f32::from_bits(u32::try_from(word).expect("32 bits")))
        }
        _ => word,
    };
    let expected = expected(operands);
    assert_eq!(found.map(canonical), expected, "{op:?} of {operands:#x?} (found {found:#x?})");
}

#[test]
fn arithmetic_is_what_has_a_reference_and_a_shape() {
    for info in OPS {
        let arithmetic = reference::is_arithmetic(info);
        assert_eq!(reference::rows(info.op), usize::from(arithmetic), "{}", info.mnemonic);
        let shape = shape(info.op);
        assert_eq!(shape.is_some(), arithmetic, "{}", info.mnemonic);
        if let Some(shape) = shape {
            assert_eq!(shape.operands.len(), usize::from(info.pops), "{}", info.mnemonic);
        }
    }
}

#[test]
fn bits_of_a_nan_show_only_where_the_shape_says_so() {
    let edges = reference::edges();
    for (op, shape) in instructions() {
        let canonical = |word: u64| match shape.operands[0] {
            Class::Word => word,
            Class::F64 => alu::canonical_f64(f64::from_bits(word)),
            Class::F32 => {
                alu::canonical_f32(f32::from_bits(u32::try_from(word & 0xffff_ffff).expect("32 bits")))
            }
        };
        let result = reference::result(op);
        let shows = edges.windows(shape.operands.len()).any(|operands| {
            let others: Vec<u64> = operands.iter().copied().map(canonical).collect();
            result(operands) != result(&others)
        });
        assert_eq!(shows, shape.shows, "{op:?}");
    }
}

#[test]
fn a_condition_is_there_for_what_can_trap() {
    let isa = host(true, "none");
    for (op, shape) in instructions() {
        let function = native::function(op, &[loaded(shape)], &*isa);
        // The entry and the end; what traps also has a block for either way.
        let blocks = if op.info().traps.is_empty() { 2 } else { 4 };
        assert_eq!(function.layout.blocks().count(), blocks, "{op:?}");
    }
}

#[test]
fn only_what_is_not_available_is_a_call() {
    let targets =
        ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"].map(|name| elsewhere(name, "speed"));
    for isa in targets.into_iter().chain([host(true, "speed")]) {
        for (op, shape) in instructions() {
            let mut context = Context::for_function(native::function(op, &[loaded(shape)], &*isa));
            let code = context
                .compile(&*isa, &mut ControlPlane::default())
                .unwrap_or_else(|error| panic!("{op:?} on {}: {:?}", isa.name(), error.inner));
            let calls = code.buffer.relocs().iter().any(|reloc| {
                matches!(reloc.target, FinalizedRelocTarget::ExternalName(ExternalName::LibCall(_)))
            });
            assert_eq!(calls, !available(op, &*isa), "{op:?} on {}", isa.name());
        }
    }
}

/// Compiles every instruction for a target and tries it on edges, on pairs of them, and on random words.
fn try_all(isa: OwnedTargetIsa, edges: &[u64], random: &[u64]) {
    let mut native = Native::new(isa);
    let ops: Vec<_> = instructions().filter(|&(op, _)| available(op, native.isa())).collect();
    let functions: Vec<_> = ops.iter().map(|&(op, shape)| native.add(op, &[loaded(shape)])).collect();
    native.finish();
    let mut outcomes = Vec::new();
    for (&(op, shape), &function) in ops.iter().zip(&functions) {
        let count = shape.operands.len();
        let expected = reference::result(op);
        let mut check = |words: [u64; 2]| {
            native.run(function, words, &mut outcomes);
            compare(op, shape, &words[..count], &expected, outcomes[0]);
        };
        for &a in edges {
            if count == 1 {
                check([a, 0]);
            } else {
                edges.iter().for_each(|&b| check([a, b]));
            }
        }
        random.windows(2).for_each(|words| check([words[0], words[1]]));
    }
}

/// Some of the edges, of each class.
fn few() -> Vec<u64> {
    [Class::Word, Class::F64, Class::F32].map(reference::constants).concat()
}

#[test]
fn native_code_agrees_on_the_processor_at_hand() {
    try_all(host(true, "speed"), &reference::edges(), &reference::random(6000));
}

#[test]
fn native_code_agrees_without_optimisation() {
    try_all(host(true, "none"), &few(), &reference::random(1000));
}

#[test]
fn native_code_agrees_on_the_least_of_processors() {
    try_all(host(false, "speed"), &few(), &reference::random(1000));
}

/// A function of many cases on two words.
struct Trial {
    op: Op,
    shape: Shape,
    function: usize,
    cases: Vec<Vec<Source>>,
}

impl Trial {
    fn new(native: &mut Native, op: Op, shape: Shape, cases: Vec<Vec<Source>>) -> Self {
        Self { op, shape, function: native.add(op, &cases), cases }
    }

    fn check(&self, native: &Native, word: u64) {
        let expected = reference::result(self.op);
        let mut outcomes = Vec::new();
        native.run(self.function, [word, 0], &mut outcomes);
        for (case, &found) in self.cases.iter().zip(&outcomes) {
            let operand = |source: &Source| match source {
                Source::Loaded(_) => word,
                Source::Constant(constant) => *constant,
            };
            let operands: Vec<u64> = case.iter().map(operand).collect();
            compare(self.op, self.shape, &operands, &expected, found);
        }
    }
}

#[test]
fn native_code_agrees_where_all_operands_are_constants() {
    let mut native = Native::new(host(true, "speed"));
    let mut trials = Vec::new();
    for (op, shape) in instructions().filter(|&(op, _)| available(op, native.isa())).collect::<Vec<_>>() {
        let mut cases = vec![Vec::new()];
        for &class in shape.operands {
            let constants = reference::constants(class).into_iter().map(Source::Constant);
            let longer = |constant: Source| {
                cases.iter().map(move |case: &Vec<Source>| case.iter().copied().chain([constant]).collect())
            };
            cases = constants.flat_map(longer).collect();
        }
        // Small functions: the time that compiling one takes grows faster than it does.
        trials.extend(cases.chunks(16).map(|cases| Trial::new(&mut native, op, shape, cases.to_vec())));
    }
    native.finish();
    trials.iter().for_each(|trial| trial.check(&native, 0));
}

#[test]
fn native_code_agrees_where_one_operand_is_a_constant() {
    let mut native = Native::new(host(true, "speed"));
    let mut trials = Vec::new();
    for (op, shape) in instructions().filter(|(_, shape)| shape.operands.len() == 2).collect::<Vec<_>>() {
        let constants = reference::constants(shape.operands[0]).into_iter().map(Source::Constant);
        let cases =
            constants.flat_map(|c| [vec![c, Source::Loaded(0)], vec![Source::Loaded(0), c]]).collect();
        trials.push(Trial::new(&mut native, op, shape, cases));
    }
    native.finish();
    for trial in trials {
        let words = [reference::constants(trial.shape.operands[0]), reference::random(60)].concat();
        words.iter().for_each(|&word| trial.check(&native, word));
    }
}
