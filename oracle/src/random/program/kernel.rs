//! Statements about keys, pages, processes and meters.

use super::{COUNTERS, SLOT_WORDS, SLOTS, Slot, Writer, noise};
use crate::random::code::Emit;
use keyvm_isa::code::CodeParts;
use keyvm_isa::{Insn, Op};

impl Writer<'_> {
    /// A statement about keys, pages, processes or meters.
    pub(super) fn kernel(&mut self) {
        match self.random.below(if self.taste.violent { 26 } else { 22 }) {
            0 => self.make(Op::Pagenew, &[8, 80], Slot::Page),
            1 => self.make(Op::Keypage, &[2, 12], Slot::KeyPage),
            2 => {
                self.op(Op::Brand);
                self.remember(Slot::Brand);
            }
            3 => {
                self.any_slot();
                self.op(Op::Gate);
                self.remember(Slot::Gate);
                self.remember(Slot::Gated);
            }
            4 => {
                self.any_slot();
                let mask = self.random.next();
                self.push(mask);
                self.op(Op::Attenuate);
                let slot = self.random.pick(&SLOTS);
                self.remember(slot);
            }
            5 => {
                self.any_slot();
                self.slot(Slot::KeyPage);
                let at = self.random.below(6);
                self.push(at);
                self.op(Op::Keyput);
            }
            6 => {
                let from = self.random.pick(&[Slot::KeyPage, Slot::KeyPage, Slot::Process]);
                self.slot(from);
                let at = self.random.below(6);
                self.push(at);
                self.op(Op::Keyget);
                let slot = self.random.pick(&SLOTS);
                self.remember(slot);
            }
            7 => self.seal(),
            8 => self.shuffle(),
            9 => {
                self.slot(Slot::Process);
                self.any_slot();
                self.op(Op::Transferkey);
                self.op(Op::Drop);
            }
            10 => {
                self.op(Op::Fork);
                self.remember(Slot::Process);
            }
            11 => self.create(),
            12..15 => self.message(),
            15 => self.meter(),
            16 => {
                self.slot(Slot::Process);
                let memory = self.random.below(4);
                self.push(memory);
                let index = self.random.below(20);
                self.push(index);
                if self.random.percent(50) {
                    self.op(Op::Peek);
                    self.op(Op::Drop);
                } else {
                    self.leaf();
                    self.op(Op::Poke);
                }
            }
            17 => {
                self.slot(Slot::Process);
                let words = self.random.within(60, 90);
                self.push(words);
                self.op(Op::Grow);
                self.op(Op::Drop);
            }
            18 => {
                let of = self.random.pick(&[Slot::Process, Slot::Meter]);
                self.slot(of);
                self.slot(Slot::OtherProcess);
                self.op(Op::Setkeeper);
            }
            19 => {
                self.any_slot();
                self.op(Op::Statehash);
                for _ in 0..3 {
                    self.op(Op::Xor);
                }
                self.store_word(30);
            }
            20 => self.breed(),
            21 => {
                self.slot(Slot::KeyPage);
                let slots = self.random.below(20);
                self.push(slots);
                self.op(Op::Keyresize);
            }
            22 => {
                let slot = if self.random.percent(70) { Slot::Page } else { self.random.pick(&SLOTS) };
                self.slot(slot);
                self.op(Op::Destroy);
            }
            23 => {
                self.slot(Slot::Gate);
                self.op(Op::Revoke);
            }
            24 => {
                let slot = self.random.pick(&[Slot::Process, Slot::OtherProcess, Slot::Meter]);
                self.slot(slot);
                let op = self.random.pick(&[Op::Stop, Op::Start]);
                self.op(op);
            }
            _ => {
                self.slot(Slot::Meter);
                let field = self.random.pick(&[1, 1, 3, 6, 7]);
                self.push(field);
                let limit = self.random.pick(&[0, 100, 1000, 5000, u64::MAX >> 1]);
                self.push(limit);
                self.op(Op::Meterlimit);
            }
        }
    }

    fn make(&mut self, op: Op, sizes: &[u64; 2], slot: Slot) {
        let size = self.random.within(sizes[0], sizes[1]);
        self.push(size);
        self.op(op);
        self.remember(slot);
    }

    fn seal(&mut self) {
        if self.random.percent(60) {
            self.any_slot();
            self.slot(Slot::Brand);
            self.op(Op::Seal);
        } else {
            self.slot(Slot::Gated);
            self.slot(Slot::Brand);
            self.op(Op::Unseal);
        }
        self.remember(Slot::Gated);
    }

    fn shuffle(&mut self) {
        match self.random.below(4) {
            0 => {
                self.any_slot();
                let to = self.random.within(1, 16);
                self.push(to);
                self.op(Op::Keymove);
            }
            1 => {
                self.op(Op::Numkeys);
                self.push(1);
                self.op(Op::Sub);
                self.op(Op::Keydrop);
            }
            2 => {
                let slots = self.random.within(8, 40);
                self.push(slots);
                self.op(Op::Keyroom);
            }
            _ => {
                self.any_slot();
                self.op(Op::Keyinfo);
                self.op(Op::Drop);
                self.op(Op::Drop);
            }
        }
    }

    fn create(&mut self) {
        self.slot(Slot::Code);
        let words = self.random.pick(&[64, 64, 64, 8]);
        self.push(words);
        self.op(Op::Create);
        let slot = self.random.pick(&[Slot::Process, Slot::OtherProcess]);
        self.remember(slot);
        if self.random.percent(50) {
            // It gets what it counts on.
            self.slot(Slot::Process);
            self.any_slot();
            self.op(Op::Transferkey);
            self.op(Op::Drop);
        }
    }

    /// A call of another process, or a request.
    fn message(&mut self) {
        let words = self.random.pick(&[0, 0, 1, 3, 20]);
        for _ in 0..words {
            self.leaf();
        }
        let keys = self.random.pick(&[0, 0, 0, 1, 2]);
        for _ in 0..keys {
            self.any_slot();
        }
        if self.random.percent(70) {
            let callee = self.random.pick(&[Slot::Process, Slot::OtherProcess]);
            self.slot(callee);
            let gas = self.random.pick(&[20, 100, 500, 2000, 1 << 40, 1 << 40]);
            self.push(gas);
            let room = self.random.pick(&[0, 50, 200, 1000, 1 << 40, 1 << 40]);
            self.push(room);
            self.emit(Op::Recurse, &[words, keys]);
        } else {
            let callee =
                self.random.pick(&[Slot::Process, Slot::OtherProcess, Slot::OtherProcess, Slot::Host]);
            self.slot(callee);
            self.emit(Op::Invoke, &[words, keys]);
        }
        if self.random.percent(60) {
            // It costs 2: a slice of 1 that brought control back here ends here.
            self.emit(Op::Slide, &[2, 0]);
        }
        self.op(Op::Drop);
        if self.random.percent(30) {
            self.op(Op::Drop);
            return;
        }
        // Takes off as many words as came.
        let counter = COUNTERS + 7;
        self.store_word(counter);
        let top = self.here();
        self.load_word(counter);
        let end = self.emit(Op::Jumpz, &[0]);
        self.op(Op::Drop);
        self.load_word(counter);
        self.push(1);
        self.op(Op::Sub);
        self.store_word(counter);
        self.emit(Op::Jump, &[top]);
        self.land(end);
    }

    fn meter(&mut self) {
        match self.random.below(4) {
            0 => {
                if self.random.percent(60) {
                    self.push(0);
                } else {
                    self.slot(Slot::Meter);
                }
                self.op(Op::Meter);
                self.remember(Slot::Meter);
            }
            1 => {
                let process = self.random.pick(&[Slot::Process, Slot::OtherProcess]);
                self.slot(process);
                self.slot(Slot::Meter);
                self.op(Op::Setmeter);
            }
            2 => {
                self.slot(Slot::Meter);
                let field = self.random.below(9);
                self.push(field);
                self.op(Op::Meterread);
                self.op(Op::Drop);
            }
            _ => {
                // Rent, generous mostly.
                self.slot(Slot::Meter);
                self.push(7);
                self.push(0);
                self.op(Op::Meterlimit);
                self.slot(Slot::Meter);
                self.push(6);
                let rent = self.random.pick(&[1 << 20, 1 << 30, 1 << 14]);
                self.push(rent);
                self.op(Op::Meterlimit);
            }
        }
    }

    /// Writes code into a page, seals it, makes a process of it and calls it.
    fn breed(&mut self) {
        let child = match self.random.below(3) {
            0 => noise(self.random),
            _ => CodeParts {
                instructions: [(Op::Add, &[][..]), (Op::Push, &[7]), (Op::Yield, &[1, 0]), (Op::Jump, &[0])]
                    .iter()
                    .map(|(op, imms)| Insn::encode(*op, imms).expect("the immediates fit"))
                    .collect(),
                ..CodeParts::default()
            },
        };
        let words = child.words();
        self.push(words.len() as u64);
        self.op(Op::Pagenew);
        self.remember(Slot::OtherPage);
        for (at, &word) in words.iter().enumerate() {
            if word == 0 {
                continue;
            }
            self.load_word(SLOT_WORDS + Slot::OtherPage as i64);
            self.push(4);
            self.op(Op::Add);
            self.push(at as u64);
            let constant = self.parts.constants.len();
            self.parts.constants.push(word);
            self.emit(Op::Const, &[constant as i64]);
            self.op(Op::Memwrite);
        }
        self.load_word(SLOT_WORDS + Slot::OtherPage as i64);
        self.op(Op::Dup);
        self.op(Op::Codeseal);
        self.push(4);
        self.op(Op::Create);
        self.remember(Slot::Process);
        self.push(3);
        self.push(4);
        self.load_word(SLOT_WORDS + Slot::Process as i64);
        self.push(200);
        self.push(100);
        self.emit(Op::Recurse, &[2, 0]);
        self.op(Op::Drop);
        self.op(Op::Drop);
    }
}
