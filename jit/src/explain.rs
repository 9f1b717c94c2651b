//! What the compiler makes of code, for people: units, blocks, what is left to the interpreter and why, the intermediate
//! representation, and machine code by instruction.

use crate::compile::{Call, Callee, CompileError, Compiler, EntryPoint, Function, Level, Linked, Watch};
use crate::find::{is_left, switch_fits};
use crate::gas::Check;
use crate::lower::Notes;
use crate::region::{Block, Edge, End, HEIGHT_MAX, Part, Region, Start, subroutine};
use crate::values::{counts, shuffle};
use cranelift_codegen::{CompiledCode, ir};
use keyvm_isa::code::FuncType;
use keyvm_isa::{Code, Insn, Op};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// What a unit begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Root {
    /// The host enters there.
    Entry(EntryPoint),
    /// The subroutine that begins at this index, called natively.
    Subroutine(u32),
}

impl Root {
    /// `None` if it is to be a subroutine and is none.
    pub(crate) fn start(self, code: &Code) -> Option<Start> {
        match self {
            Self::Entry(EntryPoint { index, height }) => Some(Start::Enter { index, height }),
            Self::Subroutine(index) => {
                let (typ, number) = subroutine(code, index)?;
                Some(Start::Call { index, typ, number })
            }
        }
    }
}

impl Start {
    pub(crate) const fn root(self) -> Root {
        match self {
            Self::Call { index, .. } => Root::Subroutine(index),
            Self::Enter { index, height } => Root::Entry(EntryPoint { index, height }),
        }
    }
}

/// Everything that was compiled, in that order: what was asked for, then the subroutines it calls.
#[derive(Clone, Debug)]
pub struct Listing {
    /// The units.
    pub units: Vec<UnitListing>,
}

/// A unit: what is compiled into one native function.
#[derive(Clone, Debug)]
pub struct UnitListing {
    /// Where it begins.
    pub root: Root,
    /// The type, if it is a subroutine.
    pub typ: Option<FuncType>,
    /// Instructions of the code in it; one that is reached with two heights, or is inlined twice, counts twice.
    pub instructions: usize,
    /// Operands above the base at most.
    pub height: u32,
    /// The blocks; it begins with the first.
    pub blocks: Vec<BlockListing>,
    /// Instructions that the interpreter executes without native code being left, in the order of their indices.
    pub helpers: Vec<u32>,
    /// Subroutines that it calls and for which this compilation has no native code: the call leaves.
    pub uncalled: Vec<u32>,
    /// The intermediate representation, before it is optimized.
    pub clif: String,
    /// The machine code; addresses of callees are not filled in.
    pub bytes: Vec<u8>,
    /// Which machine code is for which instruction, in the order of the machine code and without gaps; constants may
    /// stand behind it.
    pub places: Vec<Place>,
    /// Offsets in the machine code where the address of a subroutine is to be filled in, and its index.
    pub calls: BTreeMap<u32, u32>,
}

/// A stretch of machine code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its first byte.
    pub begin: u32,
    /// One past its last.
    pub end: u32,
    /// The instruction it is for: that which is executed, or which is the next if native code leaves there. None for
    /// what a unit begins with, and for what optimization has moved or merged.
    pub index: Option<u32>,
}

/// A block of a unit.
#[derive(Clone, Debug)]
pub struct BlockListing {
    /// Index of its first instruction.
    pub index: u32,
    /// Operands above the unit's base there.
    pub height: u32,
    /// Indices of the inlined calls it runs in, the outermost first.
    pub inlined: Vec<u32>,
    /// How many instructions it executes, with the one that is its end.
    pub instructions: u32,
    /// Index of the instruction that is its end, or of the next one if none is.
    pub end_index: u32,
    /// Whether a loop goes back to it.
    pub header: bool,
    /// Which block it is a copy of, made for turns of a loop that are known to be good.
    pub copy_of: Option<usize>,
    /// The gas that it checks for when it begins; 0 if a block before it has.
    pub check: u64,
    /// How it ends.
    pub end: BlockEnd,
}

/// How a block ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BlockEnd {
    /// Another begins.
    Fall(Next),
    /// A jump.
    Jump(Next),
    /// A jump on a condition: where it goes if it jumps, and if it does not.
    Branch(Next, Next),
    /// A switch, the last target for all numbers beyond.
    Switch(Vec<Next>),
    /// A jump to where an operand says: this unit is left, for another that begins there.
    Computed,
    /// A call of a subroutine that is inlined: where that begins.
    InlinedCall(Next),
    /// Only the beginning of the subroutine there is inlined, and does not suffice: it is called, and where its caller
    /// goes on.
    CalledAfterAll(u32, Next),
    /// An inlined subroutine returns: where its caller goes on.
    InlinedReturn(Next),
    /// No instruction: a group of turns of a loop that are known to be good, or a turn with all checks.
    Group(Next, Next),
    /// The subroutine returns.
    Return,
    /// The subroutine goes on with another.
    Tailcall(u32),
    /// The subroutine goes on with one that an operand names.
    TailcallTo,
    /// The instruction there is the interpreter's.
    Left(WhyInterpreted),
}

/// Where control goes at the end of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// To a block of the unit.
    Block(usize),
    /// To an index where the interpreter goes on.
    Out(u32, WhyInterpreted),
}

/// Why something is left to the interpreter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhyInterpreted {
    /// Something else may run after it: another process, or nothing.
    Kernel,
    /// It traps whenever it is reached with this many operands.
    Traps,
    /// No instruction.
    Unknown,
    /// The code ends there.
    End,
    /// It leaves a subroutine that has no native caller here.
    NoCaller,
    /// There would be more operands than are held in registers.
    Height,
    /// A switch with too many targets.
    Targets,
    /// It is reached with too many heights.
    Heights,
    /// The unit is as large as it may be.
    Length,
}

impl fmt::Display for WhyInterpreted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kernel => f.write_str("something else may run after it"),
            Self::Traps => f.write_str("it always traps there"),
            Self::Unknown => f.write_str("no instruction: it traps"),
            Self::End => f.write_str("the code ends there"),
            Self::NoCaller => f.write_str("it leaves a subroutine that was not called natively"),
            Self::Height => write!(f, "more than {HEIGHT_MAX} operands"),
            Self::Targets => f.write_str("a switch with too many targets"),
            Self::Heights => f.write_str("reached with too many heights"),
            Self::Length => f.write_str("the unit is as large as it may be"),
        }
    }
}

impl Compiler {
    /// Compiles what begins at `roots`, and all subroutines that are called from there, to look at. Roots that are no
    /// subroutines though they should be are passed over.
    ///
    /// # Errors
    /// `Height`, `Codegen`.
    pub fn explain(&mut self, code: &Code, roots: &[Root]) -> Result<Listing, CompileError> {
        let starts = roots.iter().filter_map(|root| root.start(code));
        let mut explainer = Explainer { units: Vec::new() };
        self.compile_all(code, starts, &Linked::new(), Level::Optimized, &mut explainer)?;
        Ok(Listing { units: explainer.units })
    }
}

struct Explainer {
    units: Vec<UnitListing>,
}

impl Watch for Explainer {
    fn lowered(&mut self, code: &Code, region: &Region, notes: Notes, function: &ir::Function) {
        let typ = match region.start {
            Start::Enter { .. } => None,
            Start::Call { typ, .. } => Some(typ),
        };
        let helpers: BTreeSet<u32> = notes.helpers.iter().copied().collect();
        self.units.push(UnitListing {
            root: region.start.root(),
            typ,
            instructions: region.instructions,
            height: region.height,
            blocks: blocks(code, region, &notes.checks),
            helpers: helpers.into_iter().collect(),
            uncalled: region.callees.difference(&notes.callees).copied().collect(),
            clif: function.display().to_string(),
            bytes: Vec::new(),
            places: Vec::new(),
            calls: BTreeMap::new(),
        });
    }

    fn compiled(&mut self, function: &Function, compiled: &CompiledCode) {
        let Some(unit) = self.units.last_mut() else { return };
        unit.bytes.clone_from(&function.bytes);
        let callee = |call: &Call| match call.callee {
            Callee::Subroutine(index) => Some((call.offset, index)),
            Callee::Plain => None,
        };
        unit.calls = function.calls.iter().filter_map(callee).collect();
        for range in compiled.buffer.get_srclocs_sorted() {
            let index = (!range.loc.is_default()).then(|| range.loc.bits());
            // What has no place of its own, moves between registers, goes with what is before it.
            let begin = unit.places.last().map_or(0, |last| last.end);
            if begin < range.start {
                match unit.places.last_mut() {
                    Some(last) => last.end = range.start,
                    None => unit.places.push(Place { begin, end: range.start, index: None }),
                }
            }
            match unit.places.last_mut() {
                Some(last) if last.index == index => last.end = range.end,
                _ => unit.places.push(Place { begin: range.start, end: range.end, index }),
            }
        }
    }
}

fn blocks(code: &Code, region: &Region, checks: &[Check]) -> Vec<BlockListing> {
    let mut listed = Vec::with_capacity(region.blocks.len());
    for (number, block) in region.blocks.iter().enumerate() {
        let end = block_end(code, region, block);
        let ends = !matches!(
            end,
            BlockEnd::Fall(_) | BlockEnd::CalledAfterAll(..) | BlockEnd::Group(..) | BlockEnd::Left(_)
        );
        listed.push(BlockListing {
            index: block.index,
            height: block.height,
            inlined: inlined_calls(region, block),
            instructions: block.end_index - block.index + u32::from(ends),
            end_index: block.end_index,
            header: block.header,
            copy_of: match block.part {
                Part::Turn { of, .. } => Some(of),
                Part::Plain | Part::Measure { .. } | Part::Group { .. } => None,
            },
            check: checks.get(number).map_or(0, |check| check.first),
            end,
        });
    }
    listed
}

/// Indices of the inlined calls that a block runs in, the outermost first.
fn inlined_calls(region: &Region, block: &Block) -> Vec<u32> {
    let mut calls = Vec::new();
    let mut at = block.inlined;
    while let Some(call) = at {
        calls.push(region.inlined[call].return_index - 1);
        at = region.inlined[call].caller;
    }
    calls.reverse();
    calls
}

fn block_end(code: &Code, region: &Region, block: &Block) -> BlockEnd {
    let base = region.base(block.inlined);
    let height = end_height(code, base, block);
    let next = |edge: &Edge, pops: u32| match *edge {
        Edge::Block(block) => Next::Block(block),
        Edge::Out(index) => Next::Out(index, why_out(code, region, index, height - pops)),
    };
    match &block.end {
        End::Fall(edge) => BlockEnd::Fall(next(edge, 0)),
        End::Jump(edge) => BlockEnd::Jump(next(edge, 0)),
        End::InlinedCall(edge) => BlockEnd::InlinedCall(next(edge, 0)),
        End::CalledAfterAll(edge) => {
            let callee = block.inlined.map_or(0, |call| region.inlined[call].callee);
            BlockEnd::CalledAfterAll(callee, next(edge, 0))
        }
        End::InlinedReturn(_, edge) => BlockEnd::InlinedReturn(next(edge, 0)),
        End::Branch { taken, next: other, .. } => BlockEnd::Branch(next(taken, 1), next(other, 1)),
        End::Switch(targets) => BlockEnd::Switch(targets.iter().map(|target| next(target, 1)).collect()),
        End::Group { fast, slow, .. } => BlockEnd::Group(next(fast, 0), next(slow, 0)),
        End::Computed => BlockEnd::Computed,
        End::Return(_) => BlockEnd::Return,
        End::Tailcall { target, .. } => BlockEnd::Tailcall(*target),
        End::TailcallTo(_) => BlockEnd::TailcallTo,
        End::Leave => {
            let caller = matches!(region.start, Start::Call { .. }) || block.inlined.is_some();
            BlockEnd::Left(why_left(code, caller, block.end_index, height - base))
        }
    }
}

/// Operands above the unit's base before the instruction that is a block's end.
fn end_height(code: &Code, base: u32, block: &Block) -> u32 {
    let mut stack = vec![(); block.height as usize];
    for index in block.index..block.end_index {
        let Some(insn) = Insn::decode(code.normal()[index as usize]) else { break };
        if !shuffle(&mut stack, base as usize, &insn) {
            let (pops, pushes) = counts(code, &insn);
            stack.resize(stack.len() - pops + pushes, ());
        }
    }
    u32::try_from(stack.len()).unwrap_or(u32::MAX)
}

/// Why a unit does not go on at an index.
fn why_out(code: &Code, region: &Region, index: u32, height: u32) -> WhyInterpreted {
    if index as usize >= code.len() {
        WhyInterpreted::End
    } else if height > HEIGHT_MAX {
        WhyInterpreted::Height
    } else if region.full {
        WhyInterpreted::Length
    } else {
        WhyInterpreted::Heights
    }
}

/// Why an instruction is the interpreter's, in a subroutine that has a native caller or not.
fn why_left(code: &Code, caller: bool, index: u32, height: u32) -> WhyInterpreted {
    if index as usize >= code.len() {
        return WhyInterpreted::End;
    }
    if height > HEIGHT_MAX {
        return WhyInterpreted::Height;
    }
    let Some(insn) = Insn::decode(code.normal()[index as usize]) else { return WhyInterpreted::Unknown };
    if height < insn.op.info().pops.into() {
        return WhyInterpreted::Traps;
    }
    let imm = u32::try_from(insn.imms[0]).unwrap_or(u32::MAX);
    match insn.op {
        Op::Unreachable | Op::Fail => WhyInterpreted::Traps,
        op if is_left(op) => WhyInterpreted::Kernel,
        Op::Switch if code.switch(imm).is_some_and(|targets| !switch_fits(targets.len(), height - 1)) => {
            WhyInterpreted::Targets
        }
        Op::Func => match code.types().get(imm as usize) {
            Some(typ) if height.saturating_add(typ.locals) > HEIGHT_MAX => WhyInterpreted::Height,
            _ => WhyInterpreted::Traps,
        },
        Op::Ret | Op::Tailcall | Op::Tailcallto | Op::Tailcalltable if !caller => WhyInterpreted::NoCaller,
        _ => WhyInterpreted::Traps,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Options;
    use crate::region::INSTRUCTIONS_MAX;
    use keyvm_isa::code::CodeParts;

    fn code(program: &[(Op, &[i64])]) -> Code {
        let types = vec![FuncType { arguments: 1, results: 1, locals: 0 }];
        let instructions =
            program.iter().map(|(op, imms)| Insn::encode(*op, imms).expect("it fits")).collect();
        Code::new(CodeParts { instructions, types, ..CodeParts::default() }.words()).expect("code")
    }

    fn explain(code: &Code, roots: &[Root]) -> Listing {
        let mut compiler = Compiler::for_host(Options::default()).expect("a backend");
        compiler.explain(code, roots).expect("it compiles")
    }

    const PUSH: (Op, &[i64]) = (Op::Push, &[1]);
    const NOP: (Op, &[i64]) = (Op::Nop, &[]);
    /// Calls a subroutine, which is to follow.
    const CALLING: [(Op, &[i64]); 5] =
        [(Op::Push, &[5]), (Op::Call, &[4]), (Op::Jumpz, &[0]), (Op::Halt, &[]), (Op::Func, &[0])];
    const BEGIN: Root = Root::Entry(EntryPoint { index: 0, height: 0 });

    #[test]
    fn a_unit_is_listed_with_those_it_calls_and_its_machine_code_by_instruction() {
        let mut program = CALLING.to_vec();
        // Too long to be inlined.
        program.extend([NOP; 40]);
        program.extend([(Op::Numkeys, &[] as &[i64]), (Op::Add, &[]), (Op::Ret, &[])]);
        let code = code(&program);
        let listing = explain(&code, &[BEGIN, Root::Subroutine(1)]);
        let roots: Vec<Root> = listing.units.iter().map(|unit| unit.root).collect();
        assert_eq!(roots, [BEGIN, Root::Subroutine(4)]);
        let [main, called] = &listing.units[..] else { panic!("two units") };
        assert_eq!(main.blocks[0].end, BlockEnd::Fall(Next::Block(2)));
        assert!(main.blocks[2].header && main.blocks[2].check == 2);
        assert_eq!(main.blocks[2].end, BlockEnd::Branch(Next::Block(2), Next::Block(1)));
        assert_eq!(main.blocks[1].end, BlockEnd::Left(WhyInterpreted::Kernel));
        assert_eq!(main.calls.values().collect::<Vec<_>>(), [&4]);
        assert_eq!(called.helpers, [45]);
        assert_eq!(called.blocks[0].end, BlockEnd::Return);
        assert_eq!(called.blocks[0].instructions, 44);
        for unit in &listing.units {
            assert!(unit.clif.contains("block0"));
            assert!(unit.places.is_sorted_by(|a, b| a.end == b.begin));
            assert!(unit.places.iter().all(|place| place.end as usize <= unit.bytes.len()));
        }
        let of_main: BTreeSet<Option<u32>> = main.places.iter().map(|place| place.index).collect();
        assert!([None, Some(1), Some(2), Some(3)].iter().all(|index| of_main.contains(index)), "{of_main:?}");
    }

    #[test]
    fn an_inlined_call_is_listed_where_it_is_made() {
        let mut program = CALLING.to_vec();
        program.extend([(Op::Numkeys, &[] as &[i64]), (Op::Add, &[]), (Op::Ret, &[])]);
        let listing = explain(&code(&program), &[BEGIN]);
        let main = &listing.units[0];
        assert!(main.calls.is_empty());
        assert_eq!(main.helpers, [5]);
        let callee = main.blocks.iter().position(|block| block.index == 4).expect("a block");
        assert_eq!(main.blocks[callee].inlined, [1]);
        let calls = |block: &BlockListing| block.end == BlockEnd::InlinedCall(Next::Block(callee));
        assert!(main.blocks.iter().any(calls));
        let BlockEnd::InlinedReturn(Next::Block(after)) = main.blocks[callee].end else { panic!("a return") };
        assert_eq!((main.blocks[after].index, main.blocks[after].height), (2, 1));
    }

    #[test]
    fn a_beginning_is_listed_with_the_call_that_is_made_after_all() {
        let mut program = CALLING.to_vec();
        program.extend([(Op::Dup, &[] as &[i64]), (Op::Jumpz, &[48])]);
        program.extend([NOP; 40]);
        program.extend([(Op::Numkeys, &[] as &[i64]), (Op::Ret, &[]), (Op::Ret, &[])]);
        let listing = explain(&code(&program), &[BEGIN]);
        let main = &listing.units[0];
        assert_eq!(main.calls.values().collect::<Vec<_>>(), [&4]);
        let ends: Vec<&BlockEnd> =
            main.blocks.iter().filter(|block| block.inlined == [1]).map(|block| &block.end).collect();
        assert!(ends.iter().any(|end| matches!(end, BlockEnd::InlinedReturn(Next::Block(_)))), "{ends:?}");
        assert!(
            ends.iter().any(|end| matches!(end, BlockEnd::CalledAfterAll(4, Next::Block(_)))),
            "{ends:?}"
        );
    }

    #[test]
    fn what_is_left_to_the_interpreter_is_said_with_its_reason() {
        let why = |program: &[(Op, &[i64])], root: Root| {
            let listing = explain(&code(program), &[root]);
            match &listing.units[0].blocks.last().expect("a block").end {
                BlockEnd::Left(why)
                | BlockEnd::Fall(Next::Out(_, why))
                | BlockEnd::Jump(Next::Out(_, why)) => *why,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(why(&[NOP, (Op::Unreachable, &[])], BEGIN), WhyInterpreted::Traps);
        assert_eq!(why(&[NOP, (Op::Add, &[])], BEGIN), WhyInterpreted::Traps);
        assert_eq!(why(&[NOP], BEGIN), WhyInterpreted::End);
        assert_eq!(why(&[PUSH, (Op::Tailcallto, &[0])], BEGIN), WhyInterpreted::NoCaller);
        assert_eq!(why(&[PUSH, (Op::Ret, &[])], BEGIN), WhyInterpreted::NoCaller);
        assert_eq!(why(&[PUSH; 600], BEGIN), WhyInterpreted::Height);
        assert_eq!(why(&[NOP; INSTRUCTIONS_MAX + 5], BEGIN), WhyInterpreted::Length);
        assert_eq!(why(&[PUSH, (Op::Jump, &[0])], BEGIN), WhyInterpreted::Heights);
        let high = Root::Entry(EntryPoint { index: 0, height: HEIGHT_MAX + 1 });
        let mut compiler = Compiler::for_host(Options::default()).expect("a backend");
        assert!(matches!(compiler.explain(&code(&[NOP]), &[high]), Err(CompileError::Height)));
        // A process may stand behind the last instruction, with operands.
        let behind = Root::Entry(EntryPoint { index: 1, height: 2 });
        assert_eq!(why(&[NOP], behind), WhyInterpreted::End);
        let mut unknown = code(&[NOP]).parts();
        unknown.instructions.push(u64::MAX);
        let unknown = Code::new(unknown.words()).expect("code");
        let listing = explain(&unknown, &[BEGIN]);
        assert_eq!(listing.units[0].blocks[0].end, BlockEnd::Left(WhyInterpreted::Unknown));
    }
}
