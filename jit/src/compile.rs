//! From code to machine code.

use crate::explain::Root;
use crate::lower::{self, Callees, Manner, Options};
use crate::region::{End, HEIGHT_MAX, Region, Start, subroutine};
use crate::stub;
use crate::unroll::unroll;
use cranelift_codegen::binemit::Reloc;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::{self, ExtFuncData, ExternalName, FuncRef, UserExternalName, UserFuncName};
use cranelift_codegen::isa::{self, OwnedTargetIsa, TargetIsa};
use cranelift_codegen::settings::{self, Configurable};
use cranelift_codegen::{CodegenError, CompiledCode, Context, FinalizedRelocTarget};
use cranelift_frontend::FunctionBuilderContext;
use keyvm_isa::Code;
use keyvm_isa::code::FuncType;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use target_lexicon::Triple;

/// Bytes before the native code of a subroutine, which say its type.
pub(crate) const HEADER_BYTES: i32 = 8;

/// What the units may come to that are compiled together, as [`Region::work`] counts; calls beyond leave.
const BATCH_WORK: usize = 50_000;

/// A unit that comes to more, or has more loops, is not optimized.
const OPTIMIZED_WORK: usize = 20_000;
const OPTIMIZED_LOOPS: usize = 100;

/// Bytes of native stack that one native function may take. What a unit takes that looks how much is left comes on top
/// of all that may be used before.
const FRAME_MAX: u32 = 48 << 10;

/// The word that stands before the native code of a subroutine.
pub(crate) const fn type_word(typ: FuncType) -> u64 {
    typ.arguments as u64 | (typ.results as u64) << 16
}

/// Where the host enters native code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EntryPoint {
    /// Index of the first instruction.
    pub index: u32,
    /// Operands above the base.
    pub height: u32,
}

/// How much care is taken with code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// To have it soon: nothing is inlined, no loop is compiled twice, and Cranelift takes its shortest ways.
    Quick,
    /// To have it fast.
    Optimized,
}

/// Why nothing was compiled.
#[derive(Debug)]
pub enum CompileError {
    /// There is no backend for this processor, or not for one that lacks what it lacks.
    Unsupported(String),
    /// An entry has more than [`HEIGHT_MAX`] operands above the base.
    Height,
    /// What is to be called is no subroutine.
    NoSubroutine,
    /// Constants in quick code look like jumps. Only code that was made for it has such.
    Ambiguous,
    /// A function would take more native stack than one may.
    Frame,
    /// Cranelift gave up.
    Codegen(Box<CodegenError>),
}

impl fmt::Display for CompileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsupported(why) => write!(f, "no native code for this processor: {why}"),
            Self::Height => write!(f, "an entry with more than {HEIGHT_MAX} operands is the interpreter's"),
            Self::NoSubroutine => f.write_str("what is to be called is no subroutine"),
            Self::Ambiguous => write!(f, "constants in the code look like jumps"),
            Self::Frame => write!(f, "a native function would take too much stack"),
            Self::Codegen(error) => write!(f, "code generation failed: {error}"),
        }
    }
}

impl std::error::Error for CompileError {}

/// A function's machine code, not yet where it will lie.
#[derive(Clone, Debug)]
pub(crate) struct Function {
    pub(crate) start: Start,
    pub(crate) bytes: Vec<u8>,
    pub(crate) calls: Vec<Call>,
    pub(crate) instructions: usize,
    /// Whether it is the one before it with nothing inlined, which only that one calls.
    pub(crate) plain: bool,
}

/// What machine code calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Callee {
    /// The subroutine at an index.
    Subroutine(u32),
    /// The next function: the same unit with nothing inlined.
    Plain,
}

/// A place in machine code that names another function.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    pub(crate) offset: u32,
    pub(crate) kind: Reloc,
    pub(crate) addend: i64,
    pub(crate) callee: Callee,
}

/// In the names of functions, what stands for subroutines and for [`Callee::Plain`].
const SUBROUTINES: u32 = 0;
const PLAIN: u32 = 1;

/// Functions that were compiled together.
#[derive(Clone, Debug)]
pub struct Artifact {
    pub(crate) functions: Vec<Function>,
}

impl Artifact {
    /// KeyVM instructions that were compiled.
    #[must_use]
    pub fn instructions(&self) -> usize {
        self.functions.iter().map(|function| function.instructions).sum()
    }
}

/// Compiles for one processor.
pub struct Compiler {
    isa: OwnedTargetIsa,
    /// For units with tail calls: Cranelift wants frame pointers there, which cost every other call.
    framed: OwnedTargetIsa,
    /// For large units, with tail calls or without: not optimized, which may take much longer than the unit is large.
    large: OwnedTargetIsa,
    /// For all that is to be there soon, and is not large.
    quick: OwnedTargetIsa,
    options: Options,
    frontend: FunctionBuilderContext,
    context: Context,
}

impl fmt::Debug for Compiler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compiler")
            .field("target", &self.isa.triple())
            .field("options", &self.options)
            .finish()
    }
}

fn unsupported(error: impl fmt::Display) -> CompileError {
    CompileError::Unsupported(error.to_string())
}

/// How Cranelift is to compile.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Effort {
    Optimized,
    /// As [`Effort::Optimized`], for units with tail calls.
    Framed,
    Large,
    Quick,
}

fn flags(effort: Effort) -> Result<settings::Flags, settings::SetError> {
    let mut flags = settings::builder();
    let optimize = matches!(effort, Effort::Optimized | Effort::Framed);
    flags.set("opt_level", if optimize { "speed" } else { "none" })?;
    let registers = if effort == Effort::Quick { "single_pass" } else { "backtracking" };
    flags.set("regalloc_algorithm", registers)?;
    flags.set("is_pic", "false")?;
    flags.set("unwind_info", "false")?;
    flags.set("enable_probestack", "false")?;
    flags.set("enable_pinned_reg", "true")?;
    flags.set("preserve_frame_pointers", if effort == Effort::Optimized { "false" } else { "true" })?;
    flags.set("enable_verifier", if cfg!(debug_assertions) { "true" } else { "false" })?;
    Ok(settings::Flags::new(flags))
}

impl Compiler {
    /// For the processor this runs on, with what it can do.
    ///
    /// # Errors
    /// `Unsupported`, also where there is a backend but nothing has run its code: it is for x86-64, and for aarch64 with
    /// Linux, which keeps data and instruction caches coherent where memory becomes executable.
    pub fn for_host(options: Options) -> Result<Self, CompileError> {
        if !cfg!(any(target_arch = "x86_64", all(target_arch = "aarch64", target_os = "linux"))) {
            return Err(unsupported("native code has only been tested on x86-64, and on aarch64 with Linux"));
        }
        Self::new(&cranelift_native::builder().map_err(unsupported)?, options)
    }

    /// For another processor, with no more than every one of its kind can do.
    ///
    /// # Errors
    /// `Unsupported`.
    pub fn for_target(target: &Triple, options: Options) -> Result<Self, CompileError> {
        Self::new(&cranelift_codegen::isa::lookup(target.clone()).map_err(unsupported)?, options)
    }

    fn new(builder: &isa::Builder, options: Options) -> Result<Self, CompileError> {
        let isa = |effort| {
            let flags = flags(effort).map_err(unsupported)?;
            builder.finish(flags).map_err(unsupported)
        };
        Ok(Self {
            isa: isa(Effort::Optimized)?,
            framed: isa(Effort::Framed)?,
            large: isa(Effort::Large)?,
            quick: isa(Effort::Quick)?,
            options,
            frontend: FunctionBuilderContext::new(),
            context: Context::new(),
        })
    }

    /// Whether what runs from an entry is a handful of instructions, none of them twice: the interpreter has executed
    /// them sooner than native code is entered and left.
    #[must_use]
    pub fn is_small(&self, code: &Code, entry: EntryPoint) -> bool {
        let EntryPoint { index, height } = entry;
        height <= HEIGHT_MAX && Region::new(code, Start::Enter { index, height }, false).is_small()
    }

    /// Compiles what runs from a root, and all subroutines it calls that are not in `linked`.
    ///
    /// # Errors
    /// All but `Unsupported`.
    pub fn compile(
        &mut self,
        code: &Code,
        root: Root,
        linked: &Linked,
        level: Level,
    ) -> Result<Artifact, CompileError> {
        let start = root.start(code).ok_or(CompileError::NoSubroutine)?;
        self.compile_all(code, [start], linked, level, &mut Unwatched)
    }

    /// Compiles units, and all subroutines they call that are not in `linked`, and shows each to somebody.
    pub(crate) fn compile_all(
        &mut self,
        code: &Code,
        starts: impl IntoIterator<Item = Start>,
        linked: &Linked,
        level: Level,
        watch: &mut dyn Watch,
    ) -> Result<Artifact, CompileError> {
        let starts = Vec::from_iter(starts);
        if starts.iter().any(|start| matches!(start, Start::Enter { height, .. } if *height > HEIGHT_MAX)) {
            return Err(CompileError::Height);
        }
        let begun = starts.iter().filter_map(|start| match start {
            Start::Call { index, .. } => Some(*index),
            Start::Enter { .. } => None,
        });
        let mut queue = Queue {
            code,
            linked,
            level,
            options: self.options,
            queued: begun.collect(),
            new: VecDeque::new(),
            left: BATCH_WORK,
        };
        let mut functions = Vec::new();
        for start in starts {
            let region = found(code, start, level, self.options);
            queue.left = queue.left.saturating_sub(work(&region));
            queue.new.push_back(region);
        }
        while let Some(region) = queue.new.pop_front() {
            functions.push(self.function(code, &region, false, &mut queue, watch)?);
            if !region.inlined.is_empty() {
                let region = plain(code, region.start, self.options);
                functions.push(self.function(code, &region, true, &mut queue, &mut Unwatched)?);
            }
        }
        Ok(Artifact { functions })
    }

    fn function(
        &mut self,
        code: &Code,
        region: &Region,
        plain: bool,
        queue: &mut Queue<'_>,
        watch: &mut dyn Watch,
    ) -> Result<Function, CompileError> {
        let mut notes = self.build(code, region, plain, queue);
        let stubs = std::mem::take(&mut notes.stubs);
        watch.lowered(code, region, notes, &self.context.func);
        let tails =
            region.blocks.iter().any(|block| matches!(block.end, End::Tailcall { .. } | End::TailcallTo(_)));
        let effort = match tails {
            // One pass gives each value that it cannot keep a place of its own: of a large unit the frame would be large.
            _ if queue.level == Level::Quick && region.work <= OPTIMIZED_WORK => Effort::Quick,
            _ if is_large(region) => Effort::Large,
            true => Effort::Framed,
            false => Effort::Optimized,
        };
        if self.machine_code(effort)? > FRAME_MAX {
            // Values that have each a place of their own, or that were taken out of loops, take it up.
            self.build(code, region, plain, queue);
            if self.machine_code(Effort::Large)? > FRAME_MAX {
                return Err(CompileError::Frame);
            }
        }
        let Some(compiled) = self.context.compiled_code() else {
            return Err(CompileError::Unsupported("nothing came out".to_owned()));
        };
        let mut bytes = compiled.code_buffer().to_vec();
        if queue.level == Level::Quick {
            let architecture = self.isa.triple().architecture;
            bytes = stub::append(bytes, compiled, &stubs, architecture).ok_or(CompileError::Ambiguous)?;
        }
        let names = self.context.func.params.user_named_funcs();
        let calls = compiled
            .buffer
            .relocs()
            .iter()
            .filter_map(|reloc| match reloc.target {
                FinalizedRelocTarget::ExternalName(ExternalName::User(name)) => Some(Call {
                    offset: reloc.offset,
                    kind: reloc.kind,
                    addend: reloc.addend,
                    callee: match &names[name] {
                        name if name.namespace == SUBROUTINES => Callee::Subroutine(name.index),
                        _ => Callee::Plain,
                    },
                }),
                _ => None,
            })
            .collect();
        let instructions = region.instructions;
        let function = Function { start: region.start, bytes, calls, instructions, plain };
        watch.compiled(&function, compiled);
        Ok(function)
    }

    /// Makes machine code of what is in the context. Gives the bytes of native stack that it takes.
    fn machine_code(&mut self, effort: Effort) -> Result<u32, CompileError> {
        let isa: &dyn TargetIsa = match effort {
            Effort::Optimized => &*self.isa,
            Effort::Framed => &*self.framed,
            Effort::Large => &*self.large,
            Effort::Quick => &*self.quick,
        };
        let compiled = self
            .context
            .compile(isa, &mut ControlPlane::default())
            .map_err(|error| CompileError::Codegen(Box::new(error.inner)))?;
        Ok(compiled.buffer.frame_layout().map_or(0, |frame| frame.frame_to_fp_offset))
    }

    /// Fills the context with a unit's intermediate representation.
    fn build(&mut self, code: &Code, region: &Region, careful: bool, queue: &mut Queue<'_>) -> lower::Notes {
        self.context.clear();
        self.context.func.name = UserFuncName::user(0, 0);
        lower::lower(
            &mut self.context.func,
            &mut self.frontend,
            code,
            region,
            Manner { options: self.options, level: queue.level, careful },
            &*self.isa,
            queue,
        )
    }
}

/// Whether optimizing a unit might take too long. Of how deep loops lie in each other it takes the square and more.
fn is_large(region: &Region) -> bool {
    region.work > OPTIMIZED_WORK
        || region.blocks.iter().filter(|block| block.header).count() > OPTIMIZED_LOOPS
}

/// Somebody who looks on while units are compiled.
pub(crate) trait Watch {
    /// A unit has become intermediate representation.
    fn lowered(&mut self, _code: &Code, _region: &Region, _notes: lower::Notes, _function: &ir::Function) {}
    /// The same unit has become machine code.
    fn compiled(&mut self, _function: &Function, _compiled: &CompiledCode) {}
}

/// Nobody.
struct Unwatched;

impl Watch for Unwatched {}

/// What is compiled already, and what is to be.
struct Queue<'a> {
    code: &'a Code,
    linked: &'a Linked,
    level: Level,
    options: Options,
    queued: BTreeSet<u32>,
    /// Units that are to be compiled.
    new: VecDeque<Region>,
    /// What more units may come to, of [`BATCH_WORK`].
    left: usize,
}

impl Queue<'_> {
    /// Queues a subroutine, if it is not too much.
    fn queue(&mut self, index: u32) -> bool {
        if self.left == 0 {
            return false;
        }
        let Some((typ, number)) = subroutine(self.code, index) else { return false };
        let region = found(self.code, Start::Call { index, typ, number }, self.level, self.options);
        let work = work(&region);
        let fits = work <= self.left;
        // To find what does not fit takes its time, too.
        self.left = self.left.saturating_sub(if fits { work } else { 1 + work / 16 });
        if fits {
            self.queued.insert(index);
            self.new.push_back(region);
        }
        fits
    }
}

/// A unit as it is to be compiled.
fn found(code: &Code, start: Start, level: Level, options: Options) -> Region {
    let optimized = level == Level::Optimized;
    let mut region = Region::new(code, start, optimized);
    if optimized {
        unroll(&mut region, code, options);
    }
    region
}

/// An optimized unit with nothing inlined.
fn plain(code: &Code, start: Start, options: Options) -> Region {
    let mut region = Region::new(code, start, false);
    unroll(&mut region, code, options);
    region
}

/// What a unit comes to, and where it has inlined calls, the same unit without them.
fn work(region: &Region) -> usize {
    region.work * if region.inlined.is_empty() { 1 } else { 2 }
}

impl Callees for Queue<'_> {
    fn reference(&mut self, function: &mut ir::Function, index: u32, typ: FuncType) -> Option<FuncRef> {
        let near = !self.linked.contains_key(&index);
        if near && !self.queued.contains(&index) && !self.queue(index) {
            return None;
        }
        let signature = function.import_signature(lower::signature(typ));
        let name = UserExternalName { namespace: SUBROUTINES, index };
        let name = function.declare_imported_user_function(name);
        Some(function.import_function(ExtFuncData {
            name: ExternalName::user(name),
            signature,
            colocated: near,
            patchable: false,
        }))
    }

    fn plain(&mut self, function: &mut ir::Function) -> FuncRef {
        let signature = function.signature.clone();
        let signature = function.import_signature(signature);
        let name = function.declare_imported_user_function(UserExternalName { namespace: PLAIN, index: 0 });
        function.import_function(ExtFuncData {
            name: ExternalName::user(name),
            signature,
            colocated: true,
            patchable: false,
        })
    }
}

/// Addresses of subroutines, by their index.
pub type Linked = BTreeMap<u32, usize>;

#[cfg(test)]
mod tests {
    use super::*;
    use cranelift_codegen::dominator_tree::DominatorTree;
    use cranelift_codegen::flowgraph::ControlFlowGraph;
    use cranelift_codegen::ir::Opcode;
    use cranelift_codegen::loop_analysis::LoopAnalysis;
    use keyvm_isa::code::CodeParts;
    use keyvm_isa::{Insn, Op};

    /// Counts the branches of which one way leaves a loop.
    #[derive(Default)]
    struct Ways {
        leaving: usize,
    }

    impl Watch for Ways {
        fn lowered(&mut self, _: &Code, _: &Region, _: lower::Notes, function: &ir::Function) {
            let graph = ControlFlowGraph::with_function(function);
            let dominators = DominatorTree::with_function(function, &graph);
            let mut loops = LoopAnalysis::new();
            loops.compute(function, &graph, &dominators);
            for block in function.layout.blocks() {
                let Some(inst) = function.layout.last_inst(block) else { continue };
                if function.dfg.insts[inst].opcode() != Opcode::Brif {
                    continue;
                }
                let stays = |next: ir::Block| {
                    loops.innermost_loop(block).is_none_or(|inner| loops.is_in_loop(next, inner))
                };
                let ways: Vec<bool> = function.block_successors(block).map(stays).collect();
                self.leaving += usize::from(ways == [false, true]);
                assert_ne!(ways, [true, false], "{block} in\n{}", function.display());
            }
        }
    }

    #[test]
    fn of_the_two_ways_of_a_branch_the_one_that_leaves_a_loop_is_named_first() {
        // Two loops in each other, with accesses far away, that are left where a condition holds, and where it does not.
        let program: [(Op, &[i64]); 16] = [
            (Op::Push, &[0]),
            (Op::Dup, &[]),
            (Op::Load64, &[2, 9_000]),
            (Op::Jumpz, &[15]),
            (Op::Dup, &[]),
            (Op::Load64, &[2, 5_000]),
            (Op::Jumpif, &[11]),
            (Op::Push, &[1]),
            (Op::Add, &[]),
            (Op::Random, &[]),
            (Op::Jumpif, &[4]),
            (Op::Push, &[3]),
            (Op::Mul, &[]),
            (Op::Dup, &[]),
            (Op::Jumpif, &[1]),
            (Op::Halt, &[]),
        ];
        let instructions =
            program.iter().map(|(op, imms)| Insn::encode(*op, imms).expect("it fits")).collect();
        let code = Code::new(CodeParts { instructions, ..CodeParts::default() }.words()).expect("code");
        let Ok(mut compiler) = Compiler::for_host(Options::default()) else { return };
        let mut ways = Ways::default();
        let start = Start::Enter { index: 0, height: 0 };
        compiler
            .compile_all(&code, [start], &Linked::new(), Level::Optimized, &mut ways)
            .expect("it compiles");
        assert!(ways.leaving > 6, "{}", ways.leaving);
    }

    #[test]
    fn a_large_unit_of_quick_code_is_compiled_though_bytes_of_it_look_like_jumps() {
        let mut state = 1u64;
        let mut number = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33).wrapping_rem(below).cast_signed()
        };
        let mut program: Vec<(Op, [i64; 2])> = vec![(Op::Push, [7, 0])];
        for _ in 0..500 {
            for op in [Op::Load64at, Op::Store64at, Op::Load8at] {
                program.push((op, [2, number(200)]));
            }
            program.extend([(Op::Drop, [0; 2]), (Op::Get, [0; 2]), (Op::Const, [0; 2]), (Op::Mul, [0; 2])]);
            program.extend([(Op::Const, [1, 0]), (Op::Add, [0; 2]), (Op::Tee, [0; 2]), (Op::Push, [40, 0])]);
            program.extend([(Op::Shr, [0; 2]), (Op::Push, [1, 0]), (Op::And, [0; 2])]);
            program.extend([(Op::Jump, [program.len() as i64 + 2, 0]), (Op::Nop, [0; 2])]);
            // What makes the coincidence.
            for below in [250, 200] {
                number(below);
            }
            program.push((Op::Drop, [0; 2]));
        }
        program.push((Op::Jump, [1, 0]));
        let encode =
            |(op, imms): &(Op, [i64; 2])| Insn::encode(*op, &imms[..op.info().imms.len()]).expect("it fits");
        let instructions = program.iter().map(encode).collect();
        let constants = vec![6_364_136_223_846_793_005, 1_442_695_040_888_963_407];
        let parts = CodeParts { instructions, constants, ..CodeParts::default() };
        let code = Code::new(parts.words()).expect("code");
        let Ok(mut compiler) = Compiler::for_host(Options::default()) else { return };
        let entry = EntryPoint { index: 0, height: 0 };
        let artifact =
            compiler.compile(&code, Root::Entry(entry), &Linked::new(), Level::Quick).expect("it compiles");
        assert!(artifact.instructions() > 7000, "{}", artifact.instructions());
    }

    #[test]
    fn a_processor_without_a_backend_is_an_error_that_says_so() {
        let target: Triple = "riscv64gc-unknown-linux-gnu".parse().expect("a target");
        let error = Compiler::for_target(&target, Options::default()).expect_err("no backend is built in");
        assert!(error.to_string().starts_with("no native code for this processor: "), "{error}");
    }
}
