//! Loops of a unit: which blocks dominate which, and what belongs to a loop.

use crate::region::{Block, Region};

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
    ///
    /// A unit that begins in a loop in others goes back there from all of them. The innermost is the one whose edges go
    /// back in the code, too: where there are such edges, only they count.
    pub(crate) fn natural_loop(&self, region: &Region, header: usize, most: usize) -> Option<Vec<usize>> {
        let mut open = Vec::new();
        for &from in &self.before[header] {
            if self.place[from].is_some() && self.dominates(header, from, most)? {
                open.push(from);
            }
        }
        let goes_back = |from: &usize| region.blocks[*from].index >= region.blocks[header].index;
        if open.iter().any(goes_back) {
            open.retain(goes_back);
        }
        if open.is_empty() {
            return None;
        }
        let mut body = std::collections::BTreeSet::from([header]);
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
