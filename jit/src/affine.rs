//! What the operands of a loop are to those of its turn's beginning: which stay, which advance by the same in every turn,
//! and which addresses and which compared words do so with them.

use crate::loops::postorder;
use crate::lower::{Kind, access, memory_of, reached};
use crate::region::{Block, Edge, End, Region};
use crate::values::{counts, drop_to_results, known_memories, shuffle};
use keyvm_isa::layout::MEMORY_DATA;
use keyvm_isa::{Code, Insn, Op};
use std::collections::{BTreeMap, BTreeSet};

/// Operands that a sum has at most.
const TERMS: usize = 3;

/// A word as a sum of operands where a turn begins, each times a factor, and a number; all modulo 2^64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Affine {
    /// Slots and factors in the order of the slots; those with the factor 0 are unused, and last.
    terms: [(u32, i64); TERMS],
    pub(crate) number: i64,
}

impl Affine {
    const UNUSED: (u32, i64) = (u32::MAX, 0);

    const fn number(number: i64) -> Self {
        Self { terms: [Self::UNUSED; TERMS], number }
    }

    const fn slot(slot: u32) -> Self {
        let mut terms = [Self::UNUSED; TERMS];
        terms[0] = (slot, 1);
        Self { terms, number: 0 }
    }

    /// Slots, and how often each is added.
    pub(crate) fn terms(&self) -> impl Iterator<Item = (u32, i64)> {
        self.terms.into_iter().filter(|&(_, factor)| factor != 0)
    }

    fn plus(self, other: Self) -> Option<Self> {
        let mut sum: BTreeMap<u32, i64> = self.terms().collect();
        for (slot, factor) in other.terms() {
            let entry = sum.entry(slot).or_default();
            *entry = entry.wrapping_add(factor);
        }
        let mut terms = [Self::UNUSED; TERMS];
        for (at, term) in sum.into_iter().filter(|&(_, factor)| factor != 0).enumerate() {
            *terms.get_mut(at)? = term;
        }
        Some(Self { terms, number: self.number.wrapping_add(other.number) })
    }

    fn times(self, factor: i64) -> Self {
        let mut product = Self::number(self.number.wrapping_mul(factor));
        let terms = self.terms().map(|(slot, times)| (slot, times.wrapping_mul(factor)));
        for (at, term) in terms.filter(|&(_, times)| times != 0).enumerate() {
            product.terms[at] = term;
        }
        product
    }

    /// By how much it is more than another, if that is the same for all operands.
    pub(crate) fn beyond(self, other: Self) -> Option<i64> {
        (self.terms == other.terms).then(|| self.number.wrapping_sub(other.number))
    }

    /// The number, if that is all.
    pub(crate) fn constant(self) -> Option<i64> {
        self.terms().next().is_none().then_some(self.number)
    }
}

/// An address that advances by the same in every turn, and what is accessed from there on: by one instruction, or by
/// several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pointer {
    pub(crate) memory: u8,
    pub(crate) write: bool,
    /// Whether address and stride count words, not bytes.
    pub(crate) words: bool,
    pub(crate) address: Affine,
    /// By how much the address is more in each turn: a sum of operands that stay.
    pub(crate) stride: Affine,
    /// What is added to the address, without overflow.
    pub(crate) offset: u32,
    /// Offset from there of the last byte that is accessed in one turn.
    pub(crate) last: u64,
}

/// A comparison at the end of a block: a turn goes on while a word is below a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Guard {
    pub(crate) word: Affine,
    pub(crate) bound: Affine,
    /// By how much the word is more in each turn, a sum of operands that stay, or the bound less, a constant; the other of
    /// the two stays.
    pub(crate) stride: Affine,
    /// Whether they are compared as signed numbers. If so, or if it is the bound that changes, the stride is above 0.
    pub(crate) signed: bool,
    /// Whether the turn goes on where the branch leads if it is taken.
    pub(crate) taken: bool,
}

/// What of a loop advances by the same in every turn.
#[derive(Debug, Default)]
pub(crate) struct Advancing {
    /// Accesses, by block and index of the instruction.
    pub(crate) accesses: BTreeMap<(usize, u32), Pointer>,
    /// The comparisons at the ends of blocks that every turn comes to, where what is done if it does not go on fails.
    pub(crate) guards: BTreeMap<usize, Guard>,
    /// The same where that is to leave the loop.
    pub(crate) tests: BTreeMap<usize, Guard>,
}

/// Finds what advances by the same in every turn of a loop, as far as `body` goes, which has the blocks in order.
pub(crate) fn advancing(code: &Code, region: &Region, header: usize, body: &[usize]) -> Advancing {
    let inside = |block: usize| body.binary_search(&block).is_ok();
    let mut order = postorder(region, [header], |block| block == header || !inside(block));
    order.reverse();
    let slots = 0..region.blocks[header].height;
    let mut states: BTreeMap<usize, Stack> = BTreeMap::new();
    states.insert(header, slots.clone().map(|slot| Some(Affine::slot(slot))).collect());
    // The operands where a turn ends.
    let mut end: Option<Stack> = None;
    let mut found = BTreeMap::new();
    let mut compared = BTreeMap::new();
    for block in order {
        let Some(mut stack) = states.get(&block).cloned() else { continue };
        let this = &region.blocks[block];
        let base = region.base(this.inlined) as usize;
        let memories = known_memories(code, base, this);
        for index in this.index..this.end_index {
            let Some(insn) = Insn::decode(code.normal()[index as usize]) else { break };
            let memory = memories.get(&index).copied();
            let before = if index + 1 == this.end_index { compares(&insn, &stack) } else { None };
            if let Some(access) = execute(code, &mut stack, base, &insn, memory) {
                found.insert((block, index), access);
            }
            if index + 1 == this.end_index {
                compared.extend(guard(this, before, &stack).map(|guard| (block, guard)));
            }
        }
        if let End::InlinedReturn(typ, _) = this.end {
            drop_to_results(&mut stack, base, typ);
        }
        this.for_each_edge(|edge| {
            let Edge::Block(next) = edge else { return };
            // What the end of the block pops is above what the next begins with.
            let stack = &stack[..region.blocks[next].height as usize];
            if next == header {
                merge(&mut end, stack);
            } else if inside(next) {
                let mut state = states.remove(&next);
                merge(&mut state, stack);
                states.extend(state.map(|state| (next, state)));
            }
        });
    }
    let end = end.unwrap_or_default();
    // By how much each operand is more in each turn.
    let more: Vec<Option<Affine>> = slots
        .map(|slot| end.get(slot as usize).copied().flatten()?.plus(Affine::slot(slot).times(-1)))
        .collect();
    let more = |slot: u32| more.get(slot as usize).copied().flatten();
    let stays = |slot: u32| more(slot) == Some(Affine::number(0));
    let stride = |address: Affine| {
        address.terms().try_fold(Affine::number(0), |sum, (slot, factor)| {
            let step = more(slot).filter(|step| step.terms().all(|(slot, _)| stays(slot)))?;
            sum.plus(step.times(factor))
        })
    };
    let accesses = found
        .into_iter()
        .filter_map(|(place, access)| Some((place, Pointer { stride: stride(access.address)?, ..access })))
        .collect();
    let (guards, tests) = compared
        .into_iter()
        .filter(|&(block, _)| passes(region, header, body, block))
        .filter_map(|(block, (guard, other))| {
            let fails = leads_to_failure(code, region, other);
            let leaves = !matches!(other, Edge::Block(other) if inside(other));
            let (word, bound) = (stride(guard.word)?, stride(guard.bound)?);
            let nears = word.plus(bound.times(-1))?;
            let stays = |stride: Affine| stride == Affine::number(0);
            let counts = if stays(bound) && !guard.signed { true } else { nears.constant()? > 0 };
            let one_stays = stays(word) || stays(bound);
            (counts && one_stays && (fails || leaves)).then_some((
                block,
                fails,
                Guard { stride: nears, ..guard },
            ))
        })
        .partition::<Vec<_>, _>(|&(_, fails, _)| fails);
    let by_block = |guards: Vec<_>| guards.into_iter().map(|(block, _, guard)| (block, guard)).collect();
    Advancing { accesses, guards: by_block(guards), tests: by_block(tests) }
}

/// What an instruction compares: it gives whether the first is below the second, or not, as said next; and whether they are
/// signed numbers.
fn compares(insn: &Insn, stack: &[Option<Affine>]) -> Option<(Affine, Affine, bool, bool)> {
    let [.., a, b] = *stack else { return None };
    let (swapped, if_true) = match insn.op {
        Op::Lt | Op::Lts => (false, true),
        Op::Gt | Op::Gts => (true, true),
        Op::Ge | Op::Ges => (false, false),
        Op::Le | Op::Les => (true, false),
        _ => return None,
    };
    let signed = matches!(insn.op, Op::Lts | Op::Gts | Op::Ges | Op::Les);
    Some(if swapped { (b?, a?, if_true, signed) } else { (a?, b?, if_true, signed) })
}

/// The guard that a block ends with, the stride left open, and where the branch leads otherwise. `compared` is what its last
/// instruction but the branch compares; if it does not, 0 is below the word that the branch is by.
fn guard(
    block: &Block,
    compared: Option<(Affine, Affine, bool, bool)>,
    stack: &[Option<Affine>],
) -> Option<(Guard, Edge)> {
    let End::Branch { taken, next, when_zero } = block.end else { return None };
    let (word, bound, if_true, signed) = match compared {
        Some(compared) => compared,
        None => (Affine::number(0), stack.last().copied()??, true, false),
    };
    // It goes on if the comparison gives this, and the branch is taken if it does not give 0, or if it does.
    let on_taken = if_true != when_zero;
    let other = if on_taken { next } else { taken };
    Some((Guard { word, bound, stride: Affine::number(0), signed, taken: on_taken }, other))
}

fn leads_to_failure(code: &Code, region: &Region, edge: Edge) -> bool {
    match edge {
        Edge::Out(index) => is_failure(code, index),
        Edge::Block(out) => {
            let out = &region.blocks[out];
            matches!(out.end, End::Leave) && is_failure(code, out.end_index)
        }
    }
}

fn is_failure(code: &Code, index: u32) -> bool {
    let word = code.normal().get(index as usize);
    word.and_then(|&word| Insn::decode(word)).is_some_and(|insn| insn.op == Op::Fail)
}

/// Whether every turn comes to a block.
fn passes(region: &Region, header: usize, body: &[usize], block: usize) -> bool {
    let mut open = vec![header];
    let mut seen = BTreeSet::from([block]);
    while let Some(at) = open.pop() {
        if !seen.insert(at) {
            continue;
        }
        for next in region.blocks[at].successors() {
            if next == header {
                return false;
            }
            if body.binary_search(&next).is_ok() {
                open.push(next);
            }
        }
    }
    true
}

/// Words that are made in a block count as further slots, from here on, by the index of the instruction.
const MADE: u32 = 1 << 16;

/// The accesses of a block, by index of the instruction, as if it were a loop's in which nothing advances. A word that is
/// no sum of operands is an operand here.
pub(crate) fn block_accesses(code: &Code, base: usize, block: &Block) -> BTreeMap<(usize, u32), Pointer> {
    let mut stack: Stack = (0..block.height).map(|slot| Some(Affine::slot(slot))).collect();
    let memories = known_memories(code, base, block);
    let mut found = BTreeMap::new();
    for index in block.index..block.end_index {
        let Some(insn) = Insn::decode(code.normal()[index as usize]) else { break };
        if let Some(access) = execute(code, &mut stack, base, &insn, memories.get(&index).copied()) {
            found.insert((0, index), access);
        }
        if let Some(word @ None) = stack.last_mut() {
            *word = MADE.checked_add(index).map(Affine::slot);
        }
    }
    found
}

/// Operands, where they are known.
type Stack = Vec<Option<Affine>>;

/// What is known over two edges.
fn merge(state: &mut Option<Stack>, other: &[Option<Affine>]) {
    match state {
        None => *state = Some(other.to_vec()),
        Some(state) => {
            for (word, other) in state.iter_mut().zip(other) {
                if word != other {
                    *word = None;
                }
            }
        }
    }
}

/// Executes an instruction; gives the access, if its address is known, the stride left open.
fn execute(code: &Code, stack: &mut Stack, base: usize, insn: &Insn, memory: Option<u64>) -> Option<Pointer> {
    if shuffle(stack, base, insn) {
        return None;
    }
    let (pops, pushes) = counts(code, insn);
    let operands = stack.split_off(stack.len() - pops);
    let imm = usize::try_from(insn.imms[0]).unwrap_or(usize::MAX);
    let both = || Some((operands[0]?, operands[1]?));
    let word = match insn.op {
        Op::Push => Some(Affine::number(insn.imms[0])),
        Op::Const => code.constants().get(imm).map(|&word| Affine::number(word.cast_signed())),
        Op::Func => Some(Affine::number(0)),
        Op::Add => both().and_then(|(a, b)| a.plus(b)),
        Op::Sub => both().and_then(|(a, b)| a.plus(b.times(-1))),
        Op::Mul => both().and_then(|(a, b)| {
            a.constant().map(|factor| b.times(factor)).or_else(|| b.constant().map(|factor| a.times(factor)))
        }),
        Op::Shl => both().and_then(|(a, b)| Some(a.times(1i64.wrapping_shl((b.constant()? & 63) as u32)))),
        _ => None,
    };
    stack.resize(stack.len() + pushes, word);
    let data = memory == Some(MEMORY_DATA.into());
    match (insn.op, access(insn.op)) {
        (_, Some(Kind { bytes, popped: true, store, .. })) if reached(memory_of(insn)) => Some(Pointer {
            memory: memory_of(insn),
            write: store,
            words: false,
            address: operands[0]?,
            stride: Affine::number(0),
            offset: u32::try_from(insn.imms[1]).ok()?,
            last: u64::from(bytes) - 1,
        }),
        (Op::Mempush | Op::Memwrite, _) if data => Some(Pointer {
            memory: MEMORY_DATA,
            write: insn.op == Op::Memwrite,
            words: true,
            address: operands[1]?,
            stride: Affine::number(0),
            offset: 0,
            last: 7,
        }),
        _ => None,
    }
}
