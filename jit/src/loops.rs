//! Loops of a unit: which blocks dominate which, and what belongs to a loop.

use crate::region::{Block, Region};
use std::collections::BTreeSet;

/// Steps that finding what dominates a block may take on average. Only code that was made for it takes so many.
const STEPS_MAX: usize = 256;

/// How deep loops are looked for in each other.
const DEPTH_MAX: usize = 6;

/// What dominates what, after Cooper, Harvey and Kennedy, "A Simple, Fast Dominance Algorithm" (2001).
pub(crate) struct Dominators {
    /// Place of each block in reverse postorder; none for one that is not reached.
    place: Vec<Option<usize>>,
    /// The block that dominates each immediately; the first dominates itself.
    immediate: Vec<usize>,
    pub(crate) before: Vec<Vec<usize>>,
}

impl Dominators {
    /// `None` if that takes too long to find out.
    pub(crate) fn new(region: &Region) -> Option<Self> {
        let blocks = &region.blocks;
        let mut before = vec![Vec::new(); blocks.len()];
        for (block, entry) in blocks.iter().enumerate() {
            for next in entry.successors() {
                before[next].push(block);
            }
        }
        let mut order = postorder(region, [0], |_| false);
        order.reverse();
        let mut place = vec![None; blocks.len()];
        for (at, &block) in order.iter().enumerate() {
            place[block] = Some(at);
        }
        let mut immediate: Vec<Option<usize>> = vec![None; blocks.len()];
        immediate[0] = Some(0);
        let mut steps = STEPS_MAX * blocks.len();
        let mut changed = true;
        while changed {
            changed = false;
            for &block in &order[1..] {
                let mut new = None;
                for &from in &before[block] {
                    if immediate[from].is_some() {
                        new = match new {
                            None => Some(from),
                            Some(other) => Some(meet(&place, &immediate, from, other, &mut steps)?),
                        };
                    }
                }
                if new != immediate[block] {
                    immediate[block] = new;
                    changed = true;
                }
            }
        }
        let immediate = immediate.into_iter().map(Option::unwrap_or_default).collect();
        Some(Self { place, immediate, before })
    }

    /// Whether every way to `block` passes `by`; `None` if there are more than `most` blocks that all of them pass after it.
    fn dominates(&self, by: usize, block: usize, most: usize) -> Option<bool> {
        let mut at = block;
        for _ in 0..=most {
            if at == by {
                return Some(true);
            }
            if at == 0 || self.place[at] < self.place[by] {
                return Some(false);
            }
            at = self.immediate[at];
        }
        None
    }

    /// The blocks of the natural loop with this header, in order; none if no edge goes back to it from within, or if
    /// there are more than `most`.
    pub(crate) fn natural_loop(&self, header: usize, most: usize) -> Option<Vec<usize>> {
        let mut open = Vec::new();
        for &from in &self.before[header] {
            if self.place[from].is_some() && self.dominates(header, from, most)? {
                open.push(from);
            }
        }
        if open.is_empty() {
            return None;
        }
        let mut body = BTreeSet::from([header]);
        while let Some(block) = open.pop() {
            if body.insert(block) {
                if body.len() > most {
                    return None;
                }
                open.extend(self.before[block].iter().filter(|&&from| self.place[from].is_some()));
            }
        }
        Some(body.into_iter().collect())
    }
}

/// Where the ways from the first block to two others part; `None` if there are not so many steps left.
fn meet(
    place: &[Option<usize>],
    immediate: &[Option<usize>],
    a: usize,
    b: usize,
    steps: &mut usize,
) -> Option<usize> {
    let (mut a, mut b) = (a, b);
    *steps = steps.checked_sub(1)?;
    while a != b {
        *steps = steps.checked_sub(1)?;
        if place[a] > place[b] {
            a = immediate[a].unwrap_or_default();
        } else {
            b = immediate[b].unwrap_or_default();
        }
    }
    Some(a)
}

/// The blocks that `roots` reach, each after its successors, where there is no loop; edges to blocks that `cut` says are
/// not followed.
pub(crate) fn postorder(
    region: &Region,
    roots: impl IntoIterator<Item = usize>,
    cut: impl Fn(usize) -> bool,
) -> Vec<usize> {
    let blocks = &region.blocks;
    let mut order = Vec::with_capacity(blocks.len());
    let mut seen = vec![false; blocks.len()];
    for root in roots {
        if seen[root] {
            continue;
        }
        seen[root] = true;
        let mut stack = vec![(root, blocks[root].successors())];
        while let Some((block, rest)) = stack.last_mut() {
            match rest.pop() {
                Some(next) if seen[next] || cut(next) => {}
                Some(next) => {
                    seen[next] = true;
                    let rest = blocks[next].successors();
                    stack.push((next, rest));
                }
                None => {
                    order.push(*block);
                    stack.pop();
                }
            }
        }
    }
    order
}

/// The loops that each block lies in, outer ones first, by numbers: what is strongly connected, and of that again what is
/// without its first block.
pub(crate) fn nests(region: &Region) -> Vec<Vec<u32>> {
    let count = region.blocks.len();
    let mut nests = vec![Vec::new(); count];
    let mut before = vec![Vec::new(); count];
    for (block, entry) in region.blocks.iter().enumerate() {
        for next in entry.successors() {
            before[next].push(block);
        }
    }
    let mut order = postorder(region, [0], |_| false);
    order.reverse();
    let mut place = vec![0; count];
    for (at, &block) in order.iter().enumerate() {
        place[block] = at;
    }
    let mut loops = 0;
    // Blocks in the order above, and the one that no edge counts to.
    let mut open = vec![(order, None)];
    // The set of blocks that each is in at last.
    let mut set = vec![0; count];
    let mut sets = 0;
    while let Some((blocks, first)) = open.pop() {
        sets += 1;
        for &block in &blocks {
            set[block] = sets;
        }
        let this = sets;
        let cut = |set: &[u32], block| set[block] != this || Some(block) == first;
        let mut ends = postorder(region, blocks, |block| cut(&set, block));
        // What leads to the one that ends last, of those that are left, is connected with it.
        while let Some(last) = ends.pop() {
            if set[last] != this {
                continue;
            }
            sets += 1;
            set[last] = sets;
            let mut connected = vec![last];
            let mut at = 0;
            let mut turns = false;
            while let Some(&block) = connected.get(at) {
                at += 1;
                if Some(block) == first {
                    continue;
                }
                for &from in &before[block] {
                    turns |= from == block;
                    if set[from] == this {
                        set[from] = sets;
                        connected.push(from);
                    }
                }
            }
            if connected.len() == 1 && !turns {
                continue;
            }
            loops += 1;
            for &block in &connected {
                nests[block].push(loops);
            }
            if connected.len() > 1 && nests[last].len() < DEPTH_MAX {
                connected.sort_by_key(|&block| place[block]);
                let header = connected.first().copied();
                open.push((connected, header));
            }
        }
    }
    nests
}

/// How many loops two blocks both lie in that lie in these.
pub(crate) fn loops_of_both(a: &[u32], b: &[u32]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

/// Index and height of what lies before the beginning of a region in the code and leads to it: where it begins in a loop,
/// the loops around it begin there.
pub(crate) fn around(region: &Region) -> BTreeSet<(u32, u32)> {
    let blocks = &region.blocks;
    let mut before = vec![Vec::new(); blocks.len()];
    for (number, block) in blocks.iter().enumerate() {
        for next in block.successors() {
            before[next].push(number);
        }
    }
    let mut seen = vec![false; blocks.len()];
    let mut open = before[0].clone();
    let mut around = BTreeSet::new();
    while let Some(at) = open.pop() {
        if !std::mem::replace(&mut seen[at], true) {
            if blocks[at].index < blocks[0].index {
                around.insert((blocks[at].index, blocks[at].height));
            }
            open.extend(&before[at]);
        }
    }
    around
}

/// Finds the targets of edges that go back, by a walk in depth.
pub(crate) fn mark_headers(blocks: &mut [Block]) {
    #[derive(Clone, Copy, PartialEq)]
    enum Mark {
        New,
        Open,
        Done,
    }
    let mut marks = vec![Mark::New; blocks.len()];
    let mut headers = Vec::new();
    let mut stack: Vec<(usize, Vec<usize>)> = Vec::new();
    marks[0] = Mark::Open;
    stack.push((0, blocks[0].successors()));
    while let Some((block, rest)) = stack.last_mut() {
        match rest.pop() {
            None => {
                marks[*block] = Mark::Done;
                stack.pop();
            }
            Some(next) => match marks[next] {
                Mark::New => {
                    marks[next] = Mark::Open;
                    let rest = blocks[next].successors();
                    stack.push((next, rest));
                }
                Mark::Open => headers.push(next),
                Mark::Done => {}
            },
        }
    }
    for header in headers {
        blocks[header].header = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::region::{Edge, Start};
    use keyvm_isa::code::CodeParts;
    use keyvm_isa::{Code, Insn, Op};

    /// A unit that the host enters at an index with this many operands above the base.
    fn entered(program: &[(Op, &[i64])], index: u32, height: u32) -> Region {
        let instructions =
            program.iter().map(|(op, imms)| Insn::encode(*op, imms).expect("it fits")).collect();
        let code = Code::new(CodeParts { instructions, ..CodeParts::default() }.words()).expect("code");
        Region::new(&code, Start::Enter { index, height }, true)
    }

    /// The indices of the blocks of a unit, and of where it is left.
    fn reached(region: &Region) -> (Vec<u32>, Vec<u32>) {
        let mut left = Vec::new();
        for block in &region.blocks {
            block.for_each_edge(|edge| {
                if let Edge::Out(index) = edge {
                    left.push(index);
                }
            });
        }
        (region.blocks.iter().map(|block| block.index).collect(), left)
    }

    /// Three loops in each other, which begin at 1, 2 and 3, with one operand.
    const NEST: [(Op, &[i64]); 10] = [
        (Op::Push, &[9]),
        (Op::Nop, &[]),
        (Op::Nop, &[]),
        (Op::Dup, &[]),
        (Op::Jumpif, &[3]),
        (Op::Dup, &[]),
        (Op::Jumpif, &[2]),
        (Op::Dup, &[]),
        (Op::Jumpif, &[1]),
        (Op::Halt, &[]),
    ];

    #[test]
    fn a_unit_that_begins_in_a_loop_leaves_for_those_around_it() {
        assert_eq!(reached(&entered(&NEST, 3, 1)), (vec![3, 5, 7, 9], vec![2, 1]));
        assert_eq!(reached(&entered(&NEST, 5, 1)), (vec![5, 7, 9], vec![2, 1]));
        assert_eq!(reached(&entered(&NEST, 2, 1)), (vec![2, 3, 5, 7, 9], vec![1]));
        assert_eq!(reached(&entered(&NEST, 1, 1)).1, []);
        assert_eq!(reached(&entered(&NEST, 0, 0)).1, []);
    }

    #[test]
    fn a_unit_goes_back_where_it_does_not_come_to_its_beginning_again() {
        let program: [(Op, &[i64]); 6] = [
            (Op::Nop, &[]),
            (Op::Dup, &[]),
            (Op::Jumpif, &[0]),
            (Op::Halt, &[]),
            (Op::Nop, &[]),
            (Op::Jump, &[0]),
        ];
        let (blocks, left) = reached(&entered(&program, 4, 1));
        assert!(blocks.contains(&0) && left.is_empty(), "{blocks:?}, {left:?}");
    }

    #[test]
    fn loops_of_both_are_those_around_both() {
        assert_eq!(loops_of_both(&[1, 2, 5], &[1, 2, 6]), 2);
        assert_eq!(loops_of_both(&[1, 2], &[1, 2, 6]), 2);
        assert_eq!(loops_of_both(&[3], &[]), 0);
    }
}
