//! Copies of the bodies of small loops, so that one comparison of gas serves several turns.

use crate::loops::Dominators;
use crate::region::{Block, Edge, End, Region};
use keyvm_isa::{Code, Flow, Insn};

/// Turns of a loop in a row at most.
const TURNS: usize = 4;
/// Instructions of a body at most that is copied.
const BODY_MAX: u32 = 24;
/// Instructions that are added to a unit by copies at most.
const ADDED_MAX: u32 = 2_000;

/// Unrolls the innermost loops that are small and call nothing.
pub(crate) fn unroll(region: &mut Region, code: &Code) {
    let headers: Vec<usize> = (0..region.blocks.len()).filter(|&block| region.blocks[block].header).collect();
    let loops: Vec<(usize, Vec<usize>)> = {
        let dominators = Dominators::new(region);
        let body = |header| Some((header, dominators.natural_loop(header, BODY_MAX as usize)?));
        headers.into_iter().filter(|&header| header != 0).filter_map(body).collect()
    };
    let mut added = 0;
    for (header, body) in loops {
        if body.iter().any(|&block| block == 0 || (block != header && region.blocks[block].header)) {
            continue;
        }
        let size: u32 = body.iter().map(|&block| length(&region.blocks[block])).sum();
        if size > BODY_MAX
            || added + size > ADDED_MAX
            || !body.iter().all(|&block| is_plain(code, &region.blocks[block]))
        {
            continue;
        }
        let turns = TURNS.min((BODY_MAX * 2 / size.max(1)) as usize);
        copy(region, header, &body, turns);
        added += size * u32::try_from(turns).unwrap_or(0);
    }
}

/// Whether a block calls neither subroutines nor, as a rule, helpers.
fn is_plain(code: &Code, block: &Block) -> bool {
    let words = &code.normal()[block.index as usize..block.end_index as usize];
    !matches!(block.end, End::CalledAfterAll(_))
        && words.iter().all(|&word| Insn::decode(word).is_some_and(|insn| insn.op.info().flow == Flow::Next))
}

fn length(block: &Block) -> u32 {
    block.end_index - block.index + 1
}

/// Puts `turns - 1` copies of a body behind it: an edge back goes to the next one, that of the last to the header.
fn copy(region: &mut Region, header: usize, body: &[usize], turns: usize) {
    let first = region.blocks.len();
    let place = |turn: usize, block: usize| {
        let at = body.binary_search(&block).ok()?;
        Some(if turn == 0 { block } else { first + (turn - 1) * body.len() + at })
    };
    let redirect = |turn: usize, edge: Edge| match edge {
        Edge::Block(block) if block == header => {
            let next = (turn + 1) % turns;
            Edge::Block(place(next, header).unwrap_or(header))
        }
        Edge::Block(block) => Edge::Block(place(turn, block).unwrap_or(block)),
        out @ Edge::Out(_) => out,
    };
    for turn in 1..turns {
        for &block in body {
            let mut copy = region.blocks[block].clone();
            copy.header = false;
            copy.end = copy.end.map(|edge| redirect(turn, edge));
            region.blocks.push(copy);
        }
    }
    for &block in body {
        let end = region.blocks[block].end.clone();
        region.blocks[block].end = end.map(|edge| redirect(0, edge));
    }
}

impl End {
    fn map(self, mut change: impl FnMut(Edge) -> Edge) -> Self {
        match self {
            Self::Fall(edge) => Self::Fall(change(edge)),
            Self::Jump(edge) => Self::Jump(change(edge)),
            Self::CalledAfterAll(edge) => Self::CalledAfterAll(change(edge)),
            Self::InlinedCall(edge) => Self::InlinedCall(change(edge)),
            Self::InlinedReturn(typ, edge) => Self::InlinedReturn(typ, change(edge)),
            Self::Branch { taken, next, when_zero } => {
                Self::Branch { taken: change(taken), next: change(next), when_zero }
            }
            Self::Switch(targets) => Self::Switch(targets.into_iter().map(change).collect()),
            other @ (Self::Return(_) | Self::Tailcall { .. } | Self::Leave) => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::region::Start;
    use keyvm_isa::Op;
    use keyvm_isa::code::CodeParts;

    #[test]
    fn a_small_loop_goes_several_turns_before_it_comes_back_to_its_header() {
        let program: [(Op, &[i64]); 5] =
            [(Op::Push, &[9]), (Op::Push, &[1]), (Op::Sub, &[]), (Op::Dup, &[]), (Op::Jumpif, &[1])];
        let instructions =
            program.iter().map(|(op, imms)| Insn::encode(*op, imms).expect("it fits")).collect();
        let code = Code::new(CodeParts { instructions, ..CodeParts::default() }.words()).expect("code");
        let mut region = Region::new(&code, Start::Enter { index: 0, height: 0 }, true);
        let blocks = region.blocks.len();
        let header = region.blocks.iter().position(|block| block.header).expect("a loop");
        unroll(&mut region, &code);
        assert_eq!(region.blocks.len(), blocks + TURNS - 1);
        let mut at = header;
        for _ in 0..TURNS {
            at = region.blocks[at].successors()[0];
        }
        assert_eq!(at, header);
        assert_eq!(region.blocks.iter().filter(|block| block.header).count(), 1);
    }
}
