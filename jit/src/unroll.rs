//! Small loops are compiled twice: as groups of turns, in which nothing is compared that was seen to be good for all of
//! them ahead, and one turn at a time.
//!
//! Where such a loop is entered it is measured: for how many turns the gas suffices, and the addresses stay inside that
//! advance by the same in every turn. So many turns, or somewhat fewer, run in groups; then it is measured again. What is
//! less than a group runs one turn at a time, with every check.
//!
//! Where a turn is so small that what ends the loop counts, and that is a comparison with a bound, too, groups are of turns
//! that go on. Those that are left, with the last one, run in groups of a second kind, in which that is compared.

use crate::affine::{Advancing, Guard, Pointer, advancing};
use crate::fault::Fault;
use crate::loops::{Dominators, postorder};
use crate::lower::{Options, access, is_native};
use crate::region::{Block, Edge, End, Part, Region};
use crate::values::{is_free, known_memories};
use keyvm_isa::{Code, Flow, Insn};
use std::collections::{BTreeMap, BTreeSet};

/// Turns of a group at most.
const TURNS: u32 = 8;
/// Instructions of the turns of a group at most, where it has more than one. What only moves operands does not count.
const GROUP_MAX: u32 = 128;
/// Turns that a group has at least for which it is found out ahead where the loop ends.
const TESTED_AHEAD_MIN: u32 = 4;
/// Turns of the groups that come after such groups.
const REST_TURNS: u32 = 4;
/// Loads of such a group at most, if it stores nothing.
const LOADS_MAX: u32 = 8;
/// Instructions of a body at most that is compiled twice.
const BODY_MAX: u32 = 160;
/// Blocks of a loop at most that is looked at.
const LOOP_MAX: usize = 256;
/// Instructions that are added to a unit by copies at most.
const ADDED_MAX: u32 = 2_000;
/// Bytes before and behind a pointer at most that one group accesses.
const REACH: i64 = 2040;

/// A loop that is compiled twice: as groups of turns that are known to be good, with gas enough and all addresses that
/// advance by the same in every turn inside, and one turn at a time for the rest.
#[derive(Debug)]
pub(crate) struct Turns {
    /// Turns of a group.
    pub(crate) count: u32,
    /// Where a turn begins.
    pub(crate) header: usize,
    /// The blocks of one turn.
    pub(crate) body: Vec<usize>,
    pub(crate) pointers: Vec<Pointer>,
    /// By block and index of the instruction, which pointer an access goes by, and how many bytes behind it the access
    /// is in the first turn.
    pub(crate) accesses: Placed,
    /// By block, the comparisons that are known to come out well in all turns of a group.
    pub(crate) guards: BTreeMap<usize, Guard>,
    /// Further ones, by which the loop ends.
    pub(crate) tests: BTreeMap<usize, Guard>,
    /// Those groups, of the same loop, that these come after: these may run what is good of the turns of those, but for
    /// the comparisons by which the loop ends, and is left.
    pub(crate) after: Option<usize>,
}

impl Part {
    /// The loop in whose groups of turns it is.
    pub(crate) const fn group(self) -> Option<usize> {
        match self {
            Self::Group { turns } | Self::Turn { turns, .. } => Some(turns),
            Self::Plain | Self::Measure { .. } => None,
        }
    }
}

/// Compiles loops twice, or what of their turns is small and comes to no other loop and no call.
pub(crate) fn unroll(region: &mut Region, code: &Code, options: Options) {
    begin_outside_loops(region);
    let headers: Vec<usize> = (0..region.blocks.len()).filter(|&block| region.blocks[block].header).collect();
    let mut loops: Vec<(usize, Vec<usize>)> = {
        let Some(dominators) = Dominators::new(region) else { return };
        let body = |header| Some((header, dominators.natural_loop(header, LOOP_MAX)?));
        headers.into_iter().filter_map(body).collect()
    };
    // Inner ones are smaller than those around them.
    loops.sort_by_key(|(_, body)| body.len());
    let mut inner: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    let mut plain: Vec<bool> = region.blocks.iter().map(|block| is_plain(code, region, block)).collect();
    let mut added = 0;
    for (header, whole) in loops {
        let body = turn(region, header, &whole, &plain);
        let pays = body.len() == whole.len() || turns_without_loops(region, header, &body, &inner);
        for &block in &whole {
            plain[block] = false;
        }
        let next = whole.iter().flat_map(|&block| region.blocks[block].successors());
        inner.insert(header, next.filter(|next| whole.binary_search(next).is_err()).collect());
        let size: u32 = body.iter().map(|&block| length(&region.blocks[block])).sum();
        let weight: u32 = body.iter().map(|&block| weight(code, &region.blocks[block])).sum();
        let count = TURNS.min(GROUP_MAX / weight.max(1)).max(1);
        if body.is_empty() || !pays || size > BODY_MAX || added + size * count > ADDED_MAX {
            continue;
        }
        let part = body.len() < whole.len();
        let mut advancing = advancing(code, region, header, &body);
        let mut counts = (count.min(turns_in_registers(code, region, &body)), REST_TURNS);
        if part || counts.0 < TESTED_AHEAD_MIN || added + size * (counts.0 + counts.1) > ADDED_MAX {
            advancing.tests.clear();
        }
        if advancing.tests.is_empty() {
            counts = (count, 0);
        }
        added += size * (counts.0 + counts.1);
        add(region, header, &body, &advancing, counts, part, options);
    }
}

/// Of how many turns, with nothing between them that could end them, what is loaded has room in registers. Cranelift computes
/// as late as it can: with no stores in between, that is behind all loads of a group.
fn turns_in_registers(code: &Code, region: &Region, body: &[usize]) -> u32 {
    let words = body.iter().flat_map(|&block| {
        let block = &region.blocks[block];
        &code.normal()[block.index as usize..block.end_index as usize]
    });
    let mut loads = 0;
    for kind in words.filter_map(|&word| access(Insn::decode(word)?.op)) {
        if kind.store {
            return TURNS;
        }
        loads += 1;
    }
    LOADS_MAX / loads.max(1)
}

/// Adds groups of turns to a loop, and leads to them what leads to it. If `body` is but a part of a loop, every turn that does
/// not run in a group is measured anew, as the one before may have left the part.
fn add(
    region: &mut Region,
    header: usize,
    body: &[usize],
    advancing: &Advancing,
    (count, rest): (u32, u32),
    part: bool,
    options: Options,
) {
    let Advancing { accesses, guards, tests } = advancing;
    let turns = |(pointers, accesses), count, tests, after| Turns {
        count,
        header,
        body: body.to_vec(),
        pointers,
        accesses,
        guards: guards.clone(),
        tests,
        after,
    };
    let old = region.blocks.len();
    let first = region.turns.len();
    let mut reach = pointers(accesses, count);
    region.turns.push(turns(reach.clone(), count, tests.clone(), None));
    if tests.is_empty() {
        copy(region, first, (header, old));
    } else {
        // They reach memory by the same pointers: these have been measured, and more are not, that so few turns could go by.
        if options.plant(Fault::RestUnmeasured) {
            reach = pointers(accesses, rest);
        }
        region.turns.push(turns(reach, rest, BTreeMap::new(), Some(first)));
        let behind = old + 2 + body.len() * count as usize;
        copy(region, first, (behind, behind));
        copy(region, first + 1, (header, old));
    }
    for (number, block) in region.blocks[..old].iter_mut().enumerate() {
        if part || body.binary_search(&number).is_err() {
            block.redirect(|target| if target == header { old } else { target });
        }
    }
}

/// The blocks of the turns of a loop that come to plain blocks alone, in order; none if there are no such turns.
fn turn(region: &Region, header: usize, whole: &[usize], plain: &[bool]) -> Vec<usize> {
    let allowed = |block: usize| whole.binary_search(&block).is_ok() && plain[block];
    if !allowed(header) {
        return Vec::new();
    }
    // Those that are reached from the header, each after its successors.
    let order = postorder(region, [header], |block| !allowed(block));
    let mut seen = BTreeSet::from([header]);
    let mut returns = BTreeSet::new();
    for block in order {
        let next = region.blocks[block].successors();
        if next.iter().any(|&next| allowed(next) && !seen.contains(&next)) {
            // A cycle that is entered at several places is no natural loop, and belongs to nobody's turn: how often it
            // goes round is not known.
            return Vec::new();
        }
        seen.insert(block);
        if next.iter().any(|next| *next == header || returns.contains(next)) {
            returns.insert(block);
        }
    }
    if returns.contains(&header) { returns.into_iter().collect() } else { Vec::new() }
}

/// Whether a turn can stay in `body` without passing by a loop that is to have no turns: that is rare. `inner` are the loops
/// that have been seen, with what they lead to.
fn turns_without_loops(
    region: &Region,
    header: usize,
    body: &[usize],
    inner: &BTreeMap<usize, BTreeSet<usize>>,
) -> bool {
    let inside = |block: usize| body.binary_search(&block).is_ok();
    let begun_by = |block: usize| match region.blocks[block].part {
        Part::Measure { turns } => region.turns[turns].header,
        _ => block,
    };
    // A loop is passed by where a branch leads either to it or to what it leads to.
    let passes_by = |block: usize, next: usize| {
        let End::Branch { .. } = region.blocks[block].end else { return false };
        let others = region.blocks[block].successors();
        others.into_iter().any(|other| inner.get(&begun_by(other)).is_some_and(|ways| ways.contains(&next)))
    };
    let mut open = vec![header];
    let mut seen = BTreeSet::new();
    while let Some(block) = open.pop() {
        if !seen.insert(block) {
            continue;
        }
        for next in region.blocks[block].successors() {
            if passes_by(block, next) {
                continue;
            }
            if next == header {
                return true;
            }
            if inside(next) {
                open.push(next);
            }
        }
    }
    false
}

/// If a loop goes back to where the unit begins, lets that begin with a block of its own.
fn begin_outside_loops(region: &mut Region) {
    if !region.blocks[0].header {
        return;
    }
    let first = region.blocks.len();
    for block in &mut region.blocks {
        block.redirect(|target| if target == 0 { first } else { target });
    }
    let begin = Block {
        end_index: region.blocks[0].index,
        end: End::Fall(Edge::Block(first)),
        header: false,
        ..region.blocks[0].clone()
    };
    let loops = std::mem::replace(&mut region.blocks[0], begin);
    region.blocks.push(loops);
}

/// Whether a block calls neither subroutines nor helpers.
fn is_plain(code: &Code, region: &Region, block: &Block) -> bool {
    let memories = known_memories(code, region.base(block.inlined) as usize, block);
    let plain = |index: u32| {
        let insn = Insn::decode(code.normal()[index as usize]);
        insn.is_some_and(|insn| {
            insn.op.info().flow == Flow::Next && is_native(&insn, memories.get(&index).copied())
        })
    };
    !matches!(block.end, End::CalledAfterAll(_)) && (block.index..block.end_index).all(plain)
}

fn length(block: &Block) -> u32 {
    block.end_index - block.index + 1
}

/// The instructions of a block that become native ones.
fn weight(code: &Code, block: &Block) -> u32 {
    let words = &code.normal()[block.index as usize..block.end_index as usize];
    let counts = words.iter().filter(|&&word| !Insn::decode(word).is_some_and(|insn| is_free(insn.op)));
    u32::try_from(counts.count()).unwrap_or(u32::MAX) + 1
}

/// Accesses by block and index of the instruction: which pointer each goes by, and how many bytes behind it it is.
pub(crate) type Placed = BTreeMap<(usize, u32), (usize, i32)>;

/// The fewest pointers that a group of `count` turns reaches all of them by, each far enough for one.
pub(crate) fn pointers(reached: &BTreeMap<(usize, u32), Pointer>, count: u32) -> (Vec<Pointer>, Placed) {
    let mut pointers: Vec<Pointer> = Vec::new();
    let mut placed = BTreeMap::new();
    let mut sorted: Vec<(&(usize, u32), &Pointer)> = reached.iter().collect();
    sorted.sort_by_key(|(_, access)| (access.address.number, access.offset));
    for (&place, access) in sorted {
        let Pointer { memory, words, address, stride, offset, .. } = *access;
        let unit = if words { 8 } else { 1 };
        // How far the pointer goes ahead, or back, in the turns of a group, if that is known.
        let way = stride
            .constant()
            .unwrap_or(0)
            .checked_mul(unit)
            .and_then(|bytes| bytes.checked_mul(i64::from(count - 1)));
        let Some(way) = way.filter(|&way| is_near(7, way)) else { continue };
        let found = pointers.iter_mut().enumerate().find_map(|(number, pointer)| {
            if (pointer.memory, pointer.words, pointer.stride) != (memory, words, stride) {
                return None;
            }
            let behind = u64::try_from(address.beyond(pointer.address)?.checked_mul(unit)?).ok()?;
            let at = behind.checked_add(offset.checked_sub(pointer.offset)?.into())?;
            let last = pointer.last.max(at.checked_add(access.last)?);
            is_near(last, way).then(|| {
                pointer.last = last;
                pointer.write |= access.write;
                (number, i32::try_from(at).unwrap_or(i32::MAX))
            })
        });
        placed.insert(place, found.unwrap_or((pointers.len(), 0)));
        if found.is_none() {
            pointers.push(*access);
        }
    }
    (pointers, placed)
}

/// Whether so many bytes are reached by an offset of an instruction in every turn of a group.
fn is_near(last: u64, way: i64) -> bool {
    last.saturating_add(way.unsigned_abs()) <= REACH.unsigned_abs()
}

/// Adds where a loop is measured, and its groups of turns. Where no group is good they lead to `slow`: from where it is
/// measured, and from behind a group.
fn copy(region: &mut Region, turns: usize, slow: (usize, usize)) {
    let Turns { count, header, ref body, .. } = region.turns[turns];
    let body = body.clone();
    let measure = region.blocks.len();
    let group = measure + 1;
    let first = measure + 2;
    let copy_of = |turn: u32, block: usize| {
        let at = body.binary_search(&block).ok()?;
        Some(first + turn as usize * body.len() + at)
    };
    let index = region.blocks[header].index;
    let fast = Edge::Block(copy_of(0, header).unwrap_or(header));
    let ends = [
        (Part::Measure { turns }, End::Group { turns, fast, slow: Edge::Block(slow.0) }),
        (Part::Group { turns }, End::Group { turns, fast, slow: Edge::Block(slow.1) }),
    ];
    for (part, end) in ends {
        let empty = Block { end_index: index, end, header: false, part, ..region.blocks[header] };
        region.blocks.push(empty);
    }
    for turn in 0..count {
        for &of in &body {
            let mut copy = region.blocks[of].clone();
            copy.header = false;
            copy.part = Part::Turn { turns, turn, of };
            copy.redirect(|target| match target {
                _ if target == header && turn + 1 == count => group,
                _ if target == header => copy_of(turn + 1, header).unwrap_or(header),
                _ => copy_of(turn, target).unwrap_or(target),
            });
            region.blocks.push(copy);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::region::Start;
    use keyvm_isa::Op;
    use keyvm_isa::code::CodeParts;

    fn unrolled(program: &[(Op, &[i64])]) -> Region {
        let instructions =
            program.iter().map(|(op, imms)| Insn::encode(*op, imms).expect("it fits")).collect();
        let code = Code::new(CodeParts { instructions, ..CodeParts::default() }.words()).expect("code");
        let mut region = Region::new(&code, Start::Enter { index: 0, height: 0 }, true);
        unroll(&mut region, &code, Options::default());
        region
    }

    /// Where the loops begin that were compiled twice.
    fn twice(region: &Region) -> BTreeSet<u32> {
        region.turns.iter().map(|turns| region.blocks[turns.header].index).collect()
    }

    #[test]
    fn a_small_loop_that_counts_to_a_bound_has_groups_that_do_not_compare_it() {
        let mut program: Vec<(Op, &[i64])> = vec![
            (Op::Push, &[9]),
            (Op::Push, &[1]),
            (Op::Add, &[]),
            (Op::Dup, &[]),
            (Op::Push, &[99]),
            (Op::Lt, &[]),
            (Op::Jumpif, &[1]),
        ];
        let region = unrolled(&program);
        let turns: Vec<_> =
            region.turns.iter().map(|turns| (turns.count, turns.tests.len(), turns.after)).collect();
        assert_eq!(turns, [(TURNS, 1, None), (REST_TURNS, 0, Some(0))]);
        // What takes long enough that the comparison does not matter.
        for _ in 0..30 {
            program.insert(1, (Op::Not, &[]));
        }
        assert_eq!(unrolled(&program).turns.len(), 1);
    }

    #[test]
    fn the_groups_that_come_after_others_go_by_the_pointers_that_those_go_by() {
        // In eight turns this goes too far for a group; in four it would not.
        for (stride, pointers) in [(8, 1), (288, 1), (296, 0), (384, 0), (680, 0), (688, 0)] {
            let region = unrolled(&[
                (Op::Push, &[0]),
                (Op::Dup, &[]),
                (Op::Dup, &[]),
                (Op::Store64, &[2, 0]),
                (Op::Push, &[stride]),
                (Op::Add, &[]),
                (Op::Dup, &[]),
                (Op::Push, &[9000]),
                (Op::Lt, &[]),
                (Op::Jumpif, &[1]),
            ]);
            let turns: Vec<_> =
                region.turns.iter().map(|turns| (turns.count, turns.pointers.len())).collect();
            assert_eq!(turns, [(TURNS, pointers), (REST_TURNS, pointers)], "{stride}");
            assert_eq!(region.turns[0].accesses, region.turns[1].accesses);
        }
    }

    #[test]
    fn groups_that_do_not_compare_load_no_more_than_registers_hold() {
        let turns = |loads: usize, stored: &[(Op, &[i64])]| {
            let mut program: Vec<(Op, &[i64])> = vec![(Op::Push, &[9])];
            for _ in 0..loads {
                program.push((Op::Load64at, &[2, 0]));
                program.push((Op::Drop, &[]));
            }
            program.extend_from_slice(stored);
            let ends: [(Op, &[i64]); 4] =
                [(Op::Push, &[1]), (Op::Sub, &[]), (Op::Dup, &[]), (Op::Jumpif, &[1])];
            program.extend(ends);
            unrolled(&program).turns.iter().map(|turns| turns.count).collect::<Vec<_>>()
        };
        assert_eq!(turns(1, &[]), [8, 4]);
        assert_eq!(turns(2, &[]), [4, 4]);
        assert_eq!(turns(3, &[]), [8]);
        assert_eq!(turns(3, &[(Op::Dup, &[]), (Op::Store64at, &[2, 8])]), [8, 4]);
    }

    #[test]
    fn a_loop_whose_turns_come_to_another_is_not_compiled_twice() {
        let region = unrolled(&[
            (Op::Push, &[9]),
            // The outer one.
            (Op::Dup, &[]),
            (Op::Dup, &[]),
            (Op::Jumpz, &[8]),
            // The inner one.
            (Op::Push, &[1]),
            (Op::Sub, &[]),
            (Op::Dup, &[]),
            (Op::Jumpif, &[4]),
            (Op::Drop, &[]),
            (Op::Dup, &[]),
            (Op::Jumpif, &[1]),
        ]);
        assert_eq!(twice(&region), BTreeSet::from([4]));
    }

    #[test]
    fn a_loop_some_of_whose_turns_come_to_another_is_compiled_twice() {
        let region = unrolled(&[
            (Op::Push, &[9]),
            // The outer one: it comes to the inner one if this is odd.
            (Op::Dup, &[]),
            (Op::Dup, &[]),
            (Op::Push, &[1]),
            (Op::And, &[]),
            (Op::Jumpz, &[12]),
            (Op::Dup, &[]),
            (Op::Jumpz, &[12]),
            // The inner one.
            (Op::Push, &[1]),
            (Op::Sub, &[]),
            (Op::Dup, &[]),
            (Op::Jumpif, &[8]),
            (Op::Drop, &[]),
            (Op::Dup, &[]),
            (Op::Jumpif, &[1]),
        ]);
        assert_eq!(twice(&region), BTreeSet::from([1, 8]));
    }

    #[test]
    fn what_only_moves_operands_does_not_make_groups_smaller() {
        let mut program: Vec<(Op, &[i64])> = vec![(Op::Push, &[9])];
        for _ in 0..30 {
            program.push((Op::Dup, &[]));
            program.push((Op::Drop, &[]));
        }
        let turn: [(Op, &[i64]); 4] = [(Op::Push, &[1]), (Op::Sub, &[]), (Op::Dup, &[]), (Op::Jumpif, &[1])];
        program.extend(turn);
        assert_eq!(unrolled(&program).turns[0].count, TURNS);
    }

    #[test]
    fn a_small_loop_goes_several_turns_before_it_comes_back_to_its_header() {
        let program: [(Op, &[i64]); 5] =
            [(Op::Push, &[9]), (Op::Push, &[1]), (Op::Sub, &[]), (Op::Dup, &[]), (Op::Jumpif, &[1])];
        let region = unrolled(&program);
        let blocks = region.blocks.iter().filter(|block| block.part == Part::Plain).count();
        let header = region.blocks.iter().position(|block| block.header).expect("a loop");
        assert_eq!(region.blocks.len(), blocks + 2 + TURNS as usize + 2 + REST_TURNS as usize);
        let part = |part| region.blocks.iter().position(|block| block.part == part).expect("a block");
        let [measure, rest] = [0, 1].map(|turns| part(Part::Measure { turns }));
        let groups = [(0, TURNS), (1, REST_TURNS)].map(|(turns, count)| {
            let group = part(Part::Group { turns });
            let mut at = group;
            for _ in 0..=count {
                at = region.blocks[at].successors()[0];
            }
            assert_eq!(at, group);
            group
        });
        // Where no group of the one kind is good comes the other, and then a turn with all checks, or it is measured again.
        assert!(region.blocks[measure].successors().contains(&rest));
        assert!(region.blocks[groups[0]].successors().contains(&rest));
        assert!(region.blocks[rest].successors().contains(&header));
        assert!(region.blocks[groups[1]].successors().contains(&measure));
        assert_eq!(region.blocks.iter().filter(|block| block.header).count(), 1);
    }
}
