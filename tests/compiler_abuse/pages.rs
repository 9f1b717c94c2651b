//! Code pages that are built to hurt a compiler: each grows something that a compiler's time or memory may grow faster
//! with than the page.

use keyvm::isa::code::{CodeParts, FuncType};
use keyvm::isa::{Insn, Op};

/// A page being written.
#[derive(Default)]
struct Page(CodeParts);

impl Page {
    fn op(&mut self, op: Op, imms: &[i64]) {
        let word = Insn::encode(op, imms).unwrap_or_else(|| panic!("{op:?} {imms:?} does not fit"));
        self.0.instructions.push(word);
    }

    fn ops(&mut self, ops: &[Op]) {
        ops.iter().for_each(|&op| self.op(op, &[]));
    }

    fn push(&mut self, value: i64) {
        self.op(Op::Push, &[value]);
    }

    fn here(&self) -> i64 {
        self.0.instructions.len() as i64
    }

    /// Leaves room for an instruction that is known later.
    fn hole(&mut self) -> usize {
        self.0.instructions.push(0);
        self.0.instructions.len() - 1
    }

    /// Fills a hole with a jump of some kind to here.
    fn lands(&mut self, hole: usize, jump: Op) {
        self.0.instructions[hole] = Insn::encode(jump, &[self.here()]).expect("a page is short enough");
    }

    fn typ(&mut self, arguments: u16, results: u16, locals: u32) -> i64 {
        self.0.types.push(FuncType { arguments, results, locals });
        self.0.types.len() as i64 - 1
    }

    fn switch(&mut self, targets: impl IntoIterator<Item = i64>) -> i64 {
        self.0.switches.push(targets.into_iter().map(i64::cast_unsigned).collect());
        self.0.switches.len() as i64 - 1
    }

    /// Makes the word in slot 0 the next of a row of random ones, and pushes its upper bits.
    fn roll(&mut self) {
        self.0.constants = vec![6_364_136_223_846_793_005, 1_442_695_040_888_963_407];
        self.op(Op::Get, &[0]);
        self.op(Op::Const, &[0]);
        self.op(Op::Mul, &[]);
        self.op(Op::Const, &[1]);
        self.op(Op::Add, &[]);
        self.op(Op::Tee, &[0]);
        self.push(40);
        self.op(Op::Shr, &[]);
    }

    /// Pushes a bit of that.
    fn coin(&mut self) {
        self.roll();
        self.push(1);
        self.op(Op::And, &[]);
    }

    /// Goes back to an index, for ever.
    fn again(mut self, index: i64) -> CodeParts {
        self.op(Op::Jump, &[index]);
        self.0
    }
}

/// A row of numbers that look random, the same every time.
fn numbers() -> impl FnMut(usize) -> i64 {
    let mut state = 1u64;
    move |below| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) % below as u64) as i64
    }
}

/// What a page is called, and the page for a size.
pub(crate) type Build = (&'static str, fn(usize) -> CodeParts);

/// All pages; the size says how large they are in percent.
pub(crate) const ALL: &[Build] = &[
    ("10 MB of one block", one_block),
    ("blocks that branch everywhere", branches_everywhere),
    ("switches that go everywhere", switches_everywhere),
    ("one table for many switches", one_table_for_many_switches),
    ("a switch of a million targets", a_million_targets),
    ("loops in loops", loops_in_loops),
    ("loops in loops, each with an operand of its own", loops_that_hold),
    ("branches within branches", branches_in_branches),
    ("merges of different heights", merges_of_heights),
    ("subroutines that call each other", calls_each_other),
    ("subroutines that go on in each other", goes_on_in_each_other),
    ("calls by a table", calls_by_number),
    ("a block of stores", stores),
    ("a block of stores below 500 operands", stores_below_many),
    ("branches with 500 operands", branches_below_many),
    ("calls with 500 operands", calls_below_many),
    ("helpers with 500 operands", helpers_below_many),
    ("500 locals again and again", locals_again_and_again),
    ("subroutines with 500 locals", subroutines_with_locals),
    ("types of thousands of words", huge_types),
    ("floats and words that meet", floats_meet_words),
    ("small loops, one after the other", small_loops),
    ("many ways back to one place", many_ways_back),
    ("a ladder with two rails", ladder),
    ("loops that are entered everywhere", irreducible),
    ("an entry at every other instruction", entries_everywhere),
    ("kernel calls one after the other", kernel_calls),
    ("slides", slides),
    ("memories by the hundred", memories),
];

fn one_block(size: usize) -> CodeParts {
    let mut page = Page::default();
    page.push(0);
    for _ in 0..size * 6550 {
        page.push(1);
        page.op(Op::Add, &[]);
    }
    page.again(1)
}

fn branches_everywhere(size: usize) -> CodeParts {
    const BLOCK: usize = 11;
    let blocks = size * 1000;
    let mut number = numbers();
    let mut page = Page::default();
    page.push(7);
    for _ in 0..blocks {
        page.coin();
        page.op(Op::Jumpif, &[1 + number(blocks) * BLOCK as i64]);
    }
    page.again(1)
}

fn switches_everywhere(size: usize) -> CodeParts {
    const BLOCK: usize = 11;
    let blocks = size * 200;
    let mut number = numbers();
    let mut page = Page::default();
    page.push(7);
    for _ in 0..blocks {
        let table = page.switch((0..16).map(|_| 1 + number(blocks) * BLOCK as i64).collect::<Vec<_>>());
        page.roll();
        page.push(15);
        page.op(Op::And, &[]);
        page.op(Op::Switch, &[table]);
    }
    page.again(1)
}

fn one_table_for_many_switches(size: usize) -> CodeParts {
    let blocks = size * 50;
    let mut number = numbers();
    let mut page = Page::default();
    page.push(7);
    let table = page.switch((0..4000).map(|_| 1 + number(blocks) * 9).collect::<Vec<_>>());
    for _ in 0..blocks {
        page.roll();
        page.op(Op::Switch, &[table]);
    }
    page.again(1)
}

fn a_million_targets(size: usize) -> CodeParts {
    let mut page = Page::default();
    page.push(7);
    let table = page.switch((0..size * 10_000).map(|at| 1 + (at % 4) as i64 * 14));
    for _ in 0..4 {
        page.roll();
        page.push(size as i64 * 10_000);
        page.op(Op::Rem, &[]);
        page.op(Op::Switch, &[table]);
        page.ops(&[Op::Nop; 3]);
    }
    page.again(1)
}

fn loops_in_loops(size: usize) -> CodeParts {
    let mut page = Page::default();
    page.push(7);
    let heads: Vec<i64> = (0..size * 20)
        .map(|_| {
            let head = page.here();
            page.ops(&[Op::Nop, Op::Nop]);
            head
        })
        .collect();
    for &head in heads.iter().rev() {
        page.coin();
        page.op(Op::Jumpif, &[head]);
    }
    page.again(1)
}

fn loops_that_hold(size: usize) -> CodeParts {
    let mut page = Page::default();
    page.push(7);
    let heads: Vec<i64> = (0..size * 7)
        .map(|_| {
            page.push(1);
            page.here()
        })
        .collect();
    for &head in heads.iter().rev() {
        page.coin();
        page.op(Op::Jumpif, &[head]);
        page.op(Op::Drop, &[]);
    }
    page.again(1)
}

fn branches_in_branches(size: usize) -> CodeParts {
    let mut page = Page::default();
    page.push(7);
    let holes: Vec<usize> = (0..size * 20)
        .map(|_| {
            page.coin();
            page.hole()
        })
        .collect();
    for &hole in holes.iter().rev() {
        page.op(Op::Nop, &[]);
        page.lands(hole, Op::Jumpif);
    }
    page.again(1)
}

fn merges_of_heights(size: usize) -> CodeParts {
    let mut page = Page::default();
    page.push(7);
    for _ in 0..size * 15 {
        page.push(3);
        page.coin();
        let hole = page.hole();
        page.op(Op::Drop, &[]);
        page.lands(hole, Op::Jumpif);
        page.ops(&[Op::Height, Op::Drop]);
    }
    page.op(Op::Slide, &[0, 0]);
    page.again(0)
}

/// Many subroutines of one type and one length; `body` writes one, and may call any of those whose indices it is given.
fn subroutines(
    count: usize,
    length: usize,
    locals: u32,
    mut body: impl FnMut(&mut Page, &mut dyn FnMut() -> i64),
) -> CodeParts {
    let mut number = numbers();
    let mut page = Page::default();
    let typ = page.typ(1, 1, locals);
    page.push(7);
    page.op(Op::Call, &[3]);
    page.op(Op::Jump, &[1]);
    for _ in 0..count {
        let end = page.here() + length as i64;
        page.op(Op::Func, &[typ]);
        body(&mut page, &mut || 3 + number(count) * length as i64);
        page.op(Op::Get, &[0]);
        page.op(Op::Ret, &[]);
        assert!(page.here() <= end, "{} instructions too long", page.here() - end);
        while page.here() < end {
            page.op(Op::Nop, &[]);
        }
    }
    page.0
}

fn calls_each_other(size: usize) -> CodeParts {
    subroutines(size * 50, 36, 0, |page, any| {
        page.coin();
        let hole = page.hole();
        for _ in 0..4 {
            page.op(Op::Get, &[0]);
            page.op(Op::Call, &[any()]);
            page.op(Op::Set, &[0]);
        }
        page.lands(hole, Op::Jumpif);
    })
}

fn goes_on_in_each_other(size: usize) -> CodeParts {
    subroutines(size * 50, 24, 0, |page, any| {
        page.coin();
        let hole = page.hole();
        page.op(Op::Get, &[0]);
        page.op(Op::Tailcall, &[any()]);
        page.lands(hole, Op::Jumpif);
    })
}

fn calls_by_number(size: usize) -> CodeParts {
    subroutines(size * 50, 36, 0, |page, any| {
        page.coin();
        let hole = page.hole();
        for _ in 0..4 {
            page.op(Op::Get, &[0]);
            page.push(any());
            page.op(Op::Callto, &[0]);
            page.op(Op::Set, &[0]);
        }
        page.lands(hole, Op::Jumpif);
    })
}

/// Stores that each may fail.
fn store(page: &mut Page) {
    page.roll();
    page.push(2000);
    page.op(Op::And, &[]);
    page.op(Op::Get, &[0]);
    page.op(Op::Store64, &[2, 0]);
}

/// As many operands as native code holds, but a few that are for computing.
fn many(page: &mut Page) {
    page.push(7);
    for value in 1..500 {
        page.push(value);
    }
}

fn stores(size: usize) -> CodeParts {
    let mut page = Page::default();
    page.push(7);
    for _ in 0..size * 200 {
        store(&mut page);
    }
    page.again(1)
}

fn stores_below_many(size: usize) -> CodeParts {
    let mut page = Page::default();
    many(&mut page);
    let begin = page.here();
    for _ in 0..size * 200 {
        store(&mut page);
    }
    page.again(begin)
}

fn branches_below_many(size: usize) -> CodeParts {
    const BLOCK: i64 = 13;
    let mut page = Page::default();
    let mut number = numbers();
    many(&mut page);
    let begin = page.here();
    let blocks = size * 20;
    for at in 0..blocks as i64 {
        page.coin();
        page.push(at);
        page.op(Op::Set, &[1 + number(400)]);
        page.op(Op::Jumpif, &[begin + number(blocks) * BLOCK]);
    }
    page.again(begin)
}

fn calls_below_many(size: usize) -> CodeParts {
    let mut page = Page::default();
    let typ = page.typ(1, 1, 0);
    many(&mut page);
    let hole = page.hole();
    let callee = page.here();
    page.op(Op::Func, &[typ]);
    page.ops(&[Op::Not, Op::Ret]);
    page.lands(hole, Op::Jump);
    let begin = page.here();
    for _ in 0..size * 50 {
        page.op(Op::Call, &[callee]);
    }
    page.again(begin)
}

fn helpers_below_many(size: usize) -> CodeParts {
    let mut page = Page::default();
    many(&mut page);
    let begin = page.here();
    for _ in 0..size * 50 {
        page.ops(&[Op::Numkeys, Op::Drop]);
    }
    page.again(begin)
}

fn locals_again_and_again(size: usize) -> CodeParts {
    let mut page = Page::default();
    let typ = page.typ(0, 0, 500);
    for _ in 0..size * 50 {
        page.op(Op::Func, &[typ]);
        page.op(Op::Slide, &[0, 500]);
    }
    page.again(0)
}

fn subroutines_with_locals(size: usize) -> CodeParts {
    subroutines(size * 50, 36, 500, |page, any| {
        page.coin();
        let hole = page.hole();
        for _ in 0..4 {
            page.op(Op::Get, &[0]);
            page.op(Op::Call, &[any()]);
            page.op(Op::Set, &[0]);
        }
        page.lands(hole, Op::Jumpif);
    })
}

fn huge_types(size: usize) -> CodeParts {
    let mut page = Page::default();
    let none = page.typ(0, 4096, 4096);
    let all = page.typ(4096, 0, 0);
    let hole = page.hole();
    let gives = page.here();
    page.op(Op::Func, &[none]);
    page.op(Op::Ret, &[]);
    let takes = page.here();
    page.op(Op::Func, &[all]);
    page.op(Op::Ret, &[]);
    page.lands(hole, Op::Jump);
    let begin = page.here();
    for _ in 0..size * 50 {
        page.op(Op::Call, &[gives]);
        page.op(Op::Call, &[takes]);
    }
    page.again(begin)
}

fn floats_meet_words(size: usize) -> CodeParts {
    let mut page = Page::default();
    let mut number = numbers();
    page.push(7);
    for value in 1..40 {
        page.push(value);
    }
    let begin = page.here();
    for _ in 0..size * 8 {
        let kinds = [Op::Fadd, Op::Fadd32, Op::Add, Op::Fmul];
        page.coin();
        let hole = page.hole();
        for _ in 0..4 {
            page.op(Op::Get, &[1 + number(39)]);
            page.op(Op::Get, &[1 + number(39)]);
            page.op(kinds[number(4) as usize], &[]);
            page.op(Op::Set, &[1 + number(39)]);
        }
        page.lands(hole, Op::Jumpif);
    }
    page.again(begin)
}

fn small_loops(size: usize) -> CodeParts {
    let mut page = Page::default();
    page.push(7);
    for _ in 0..size * 20 {
        let head = page.here();
        page.coin();
        page.op(Op::Jumpif, &[head]);
    }
    page.again(1)
}

fn many_ways_back(size: usize) -> CodeParts {
    let mut page = Page::default();
    page.push(7);
    page.op(Op::Nop, &[]);
    for _ in 0..size * 20 {
        page.coin();
        page.op(Op::Jumpif, &[1]);
    }
    page.again(1)
}

fn ladder(size: usize) -> CodeParts {
    // Each step goes up its rail or over to the other, and all lead to the end, which leads back.
    const STEP: i64 = 11;
    let steps = size as i64 * 8;
    let mut page = Page::default();
    page.push(7);
    for rail in 0..2 {
        for step in 0..steps {
            page.coin();
            let over = (step + 1).min(steps - 1);
            page.op(Op::Jumpif, &[1 + ((1 - rail) * steps + over) * STEP]);
        }
    }
    page.again(1)
}

fn irreducible(size: usize) -> CodeParts {
    const BLOCK: i64 = 11;
    let blocks = size as i64 * 15;
    let mut page = Page::default();
    page.push(7);
    for block in 0..blocks {
        page.coin();
        page.op(Op::Jumpif, &[1 + (blocks - 1 - block) * BLOCK]);
    }
    page.again(1)
}

fn entries_everywhere(size: usize) -> CodeParts {
    let mut page = Page::default();
    page.push(7);
    for _ in 0..size * 80 {
        let next = page.here() + 2;
        page.push(next);
        page.op(Op::Jumpto, &[]);
    }
    page.again(1)
}

fn kernel_calls(size: usize) -> CodeParts {
    let mut page = Page::default();
    page.push(7);
    for _ in 0..size * 40 {
        page.op(Op::Numkeys, &[]);
        page.op(Op::Brand, &[]);
        page.ops(&[Op::Keydrop, Op::Drop]);
    }
    page.again(1)
}

fn slides(size: usize) -> CodeParts {
    let mut page = Page::default();
    many(&mut page);
    let begin = page.here();
    for _ in 0..size * 90 {
        page.ops(&[Op::Dup]);
        page.op(Op::Slide, &[499, 1]);
    }
    page.again(begin)
}

fn memories(size: usize) -> CodeParts {
    let mut page = Page::default();
    let mut number = numbers();
    page.push(7);
    for _ in 0..size * 60 {
        page.op(Op::Load64at, &[2, number(200)]);
        page.op(Op::Store64at, &[2, number(200)]);
        page.op(Op::Load8at, &[2, number(200)]);
        page.op(Op::Drop, &[]);
        page.coin();
        let hole = page.hole();
        page.op(Op::Load64at, &[4 + number(250), number(200)]);
        page.lands(hole, Op::Jump);
        page.op(Op::Drop, &[]);
    }
    page.again(1)
}
