//! Where gas is taken off.
//!
//! What a unit holds as its gas need not be what is left: at each place a constant is *owed*, what has run on the way
//! there and has not been taken off. An exit takes it off, in its cold code, and a comparison is with as much more. So
//! gas is taken off only where ways of different cost come together: once for a turn of a loop, once for one of two arms.
//!
//! What is owed where a block ends is what is owed where each of its successors begins. Ends and beginnings that are tied
//! together so are one node of a graph, and each block leads from one node to another, at its cost. Along the blocks of a
//! spanning tree nothing is taken off; they say what is owed at each node. Each of the others takes off what it makes
//! too much. The tree is made of the blocks that run most often, as far as one can tell: it is the dearest (Ball and
//! Larus, "Optimally Profiling and Tracing Programs", 1994, who count by it, but with edges for blocks).
//!
//! An edge that leaves a loop ties nothing. It gets a place of its own where gas is taken off, if need be.

use crate::gas::BlockCost;
use crate::loops::postorder;
use crate::region::{End, Part, Region};
use crate::unroll::Turns;
use std::collections::{BTreeMap, BTreeSet};

/// How often a loop is taken to turn.
const LOOP_TURNS: f64 = 8.0;

/// What is owed, in words as those that hold gas.
#[derive(Debug, Default)]
pub(crate) struct Charges {
    /// Where each block begins.
    pub(crate) begin: Vec<i64>,
    /// Where it ends.
    pub(crate) end: Vec<i64>,
    /// What a turn costs of each loop that is compiled twice, if that is known. In its groups so much for each turn that is
    /// left is not in the gas that is held, which so stays.
    pub(crate) turns: Vec<i64>,
}

impl Charges {
    /// Where nothing costs anything.
    pub(crate) fn none(region: &Region) -> Self {
        let none = vec![0; region.blocks.len()];
        Self { begin: none.clone(), end: none, turns: vec![0; region.turns.len()] }
    }

    /// What a group of turns costs.
    pub(crate) fn group(&self, region: &Region, turns: usize) -> i64 {
        self.turns[turns].wrapping_mul(region.turns[turns].count.into())
    }
}

/// Sets of nodes, with what is owed at each beyond what is owed at its set's first.
struct Nodes {
    parent: Vec<usize>,
    beyond: Vec<i64>,
}

impl Nodes {
    fn new(count: usize) -> Self {
        Self { parent: (0..count).collect(), beyond: vec![0; count] }
    }

    /// The first of a node's set, and what is owed at the node beyond what is owed there.
    fn find(&mut self, node: usize) -> (usize, i64) {
        let mut way = vec![node];
        let mut at = node;
        while self.parent[at] != at {
            at = self.parent[at];
            way.push(at);
        }
        let mut beyond = 0i64;
        for &node in way.iter().rev().skip(1) {
            beyond = beyond.wrapping_add(self.beyond[node]);
            (self.parent[node], self.beyond[node]) = (at, beyond);
        }
        (at, beyond)
    }

    /// Sees to it that at `to` so much more is owed than at `from`, if nothing is known of the two yet.
    fn join(&mut self, from: usize, to: usize, more: i64) {
        let ((from, owed_from), (to, owed_to)) = (self.find(from), self.find(to));
        if from != to {
            self.parent[to] = from;
            self.beyond[to] = owed_from.wrapping_add(more).wrapping_sub(owed_to);
        }
    }
}

/// What is owed in each block, where none is where the unit begins and returns, and where it calls. `nests` are the loops
/// that each block lies in.
pub(crate) fn charges(region: &Region, costs: &[BlockCost], nests: &[Vec<u32>]) -> Charges {
    let blocks = &region.blocks;
    let count = blocks.len();
    let (begin, end, settled) = (|block: usize| block, |block: usize| count + block, 2 * count);
    let (often, free) = frequencies(region, nests);
    let turns = region.turns.iter().map(|turns| turn_cost(region, turns, costs).unwrap_or(0)).collect();
    let mut charges = Charges { turns, ..Charges::default() };
    let mut nodes = Nodes::new(2 * count + 1);
    nodes.join(settled, begin(0), 0);
    // How often, from where to where, and at what cost.
    let mut ways: Vec<(f64, usize, usize, i64)> = Vec::with_capacity(count);
    for (number, block) in blocks.iter().enumerate() {
        let successors = block.successors();
        for &next in &successors {
            if free.contains(&(number, next)) {
                // One more block between others is worse than somewhat more in one that is there; but what leads out of a
                // group has one anyway.
                let aside = block.part.group().is_some();
                let weight = if aside { 1.0 / LOOP_TURNS } else { 1.5 };
                ways.push((often[next] * weight, end(number), begin(next), 0));
            } else if block.part.group() == blocks[next].part.group() {
                nodes.join(end(number), begin(next), 0);
            }
        }
        if matches!(block.end, End::Return(_) | End::Tailcall { .. } | End::TailcallTo(_)) {
            nodes.join(settled, end(number), 0);
        }
        let BlockCost { first, last } = costs[number];
        match last {
            None => {
                let ahead = match block.part {
                    Part::Group { turns } => charges.group(region, turns),
                    _ => 0,
                };
                ways.push((often[number], begin(number), end(number), first.word() - ahead));
            }
            Some(last) => {
                // What is called anew has the gas of before.
                if !matches!(block.end, End::CalledAfterAll(_)) {
                    ways.push((often[number], begin(number), settled, first.word()));
                }
                ways.push((often[number], settled, end(number), last.word()));
            }
        }
    }
    ways.sort_by(|a, b| b.0.total_cmp(&a.0));
    for (_, from, to, cost) in ways {
        nodes.join(from, to, cost);
    }
    // Blocks that are never reached have nothing to do with where it is settled, and may owe what they like.
    let (_, none) = nodes.find(settled);
    let mut owed = |node| nodes.find(node).1.wrapping_sub(none);
    charges.begin = (0..count).map(|block| owed(begin(block))).collect();
    charges.end = (0..count).map(|block| owed(end(block))).collect();
    charges
}

/// What a turn costs of a loop that is compiled twice, if all ways through it cost the same.
fn turn_cost(region: &Region, turns: &Turns, costs: &[BlockCost]) -> Option<i64> {
    let inside = |block: usize| turns.body.binary_search(&block).is_ok();
    let mut order = postorder(region, [turns.header], |block| block == turns.header || !inside(block));
    order.reverse();
    // What it costs to come to a block; to the header again, last.
    let mut before: BTreeMap<usize, i64> = BTreeMap::from([(turns.header, 0)]);
    let mut turn = None;
    for block in order {
        let after = before[&block] + costs[block].first.word();
        for next in region.blocks[block].successors() {
            let known = match next {
                next if next == turns.header => turn.get_or_insert(after),
                next if inside(next) => before.entry(next).or_insert(after),
                _ => continue,
            };
            if *known != after {
                return None;
            }
        }
    }
    turn
}

/// How often each block runs, as far as one can tell, and the edges that leave loops, or groups of turns.
fn frequencies(region: &Region, nests: &[Vec<u32>]) -> (Vec<f64>, BTreeSet<(usize, usize)>) {
    let blocks = &region.blocks;
    let group = |block: usize| blocks[block].part.group();
    let mut free = BTreeSet::new();
    let mut often = vec![0.0; blocks.len()];
    often[0] = 1.0;
    let mut seen = vec![false; blocks.len()];
    for block in postorder(region, [0], |_| false).into_iter().rev() {
        seen[block] = true;
        let successors = blocks[block].successors();
        let several = successors.iter().any(|&next| next != successors[0]);
        for &next in &successors {
            let leaves = !nests[next].starts_with(&nests[block]) || group(block) > group(next);
            if leaves && several {
                free.insert((block, next));
            }
            if !seen[next] {
                let deeper = nests[next].len() as f64 - nests[block].len() as f64;
                often[next] += often[block] * LOOP_TURNS.powf(deeper) / successors.len() as f64;
            }
        }
    }
    (often, free)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gas::Cost;
    use crate::loops::nests;
    use crate::region::{Block, Edge, Start};

    fn block(end: End) -> Block {
        let part = Part::Plain;
        Block { index: 0, height: 0, inlined: None, end_index: 0, end, header: false, part }
    }

    fn to(block: usize) -> End {
        End::Fall(Edge::Block(block))
    }

    fn either(taken: usize, next: usize) -> End {
        End::Branch { taken: Edge::Block(taken), next: Edge::Block(next), when_zero: false }
    }

    /// What each block takes off, of blocks that end so and cost so much.
    fn taken(blocks: &[(End, u64)]) -> Vec<i64> {
        let region = Region {
            start: Start::Enter { index: 0, height: 0 },
            blocks: blocks.iter().map(|(end, _)| block(end.clone())).collect(),
            inlined: Vec::new(),
            height: 0,
            callees: BTreeSet::new(),
            instructions: 0,
            work: 0,
            full: false,
            calls: false,
            turns: Vec::new(),
        };
        let cost = |&(_, gas): &(End, u64)| BlockCost { first: Cost { gas, extra: 0 }, last: None };
        let costs: Vec<BlockCost> = blocks.iter().map(cost).collect();
        let charges = charges(&region, &costs, &nests(&region));
        assert_eq!(charges.begin[0], 0);
        (0..blocks.len())
            .map(|block| charges.begin[block] + costs[block].first.word() - charges.end[block])
            .collect()
    }

    #[test]
    fn a_way_without_branches_takes_nothing_off() {
        assert_eq!(taken(&[(to(1), 5), (to(2), 7), (End::Leave, 1)]), [0, 0, 0]);
    }

    #[test]
    fn of_two_arms_one_takes_off_what_it_costs_more() {
        let taken = taken(&[(either(1, 2), 4), (to(3), 5), (to(3), 8), (End::Leave, 2)]);
        assert_eq!((taken[0], taken[3]), (0, 0));
        assert!(taken[1..3] == [-3, 0] || taken[1..3] == [0, 3]);
    }

    #[test]
    fn a_turn_takes_off_once_what_it_costs() {
        let loops = [(to(1), 1), (either(2, 3), 2), (to(1), 30), (End::Leave, 1)];
        let taken = taken(&loops);
        assert_eq!(taken[1] + taken[2], 32);
        assert_eq!(taken.iter().filter(|&&taken| taken != 0).count(), 1);
    }

    #[test]
    fn one_of_many_ways_through_a_loop_takes_off_what_all_its_blocks_cost() {
        let targets = (2..6).map(Edge::Block).collect();
        let mut blocks = vec![(to(1), 3), (End::Switch(targets), 10)];
        blocks.extend((2..6).map(|way| (to(1), way)));
        let taken = taken(&blocks);
        for (way, cost) in (2..6).zip([12, 13, 14, 15]) {
            assert_eq!(taken[1] + taken[way], cost);
        }
        assert_eq!(taken[1], 0);
    }

    #[test]
    fn a_way_back_before_the_end_of_a_turn_needs_no_place_of_its_own() {
        let taken = taken(&[(to(1), 1), (either(1, 2), 4), (to(1), 9), (End::Leave, 0)]);
        assert_eq!((taken[1], taken[2]), (4, 9));
    }
}
