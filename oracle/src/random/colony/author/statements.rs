//! What programs of colonies do: statements that leave the operands as they were.

use super::{Author, EMPTY_SLOT, Place, SPARE, WORDS, encoded};
use crate::random::code::Emit;
use keyvm_isa::code::CodeParts;
use keyvm_isa::layout::{Kind, meta, meter};
use keyvm_isa::{Op, Rights};

impl Author<'_> {
    /// Something that leaves the operands as they were.
    pub(super) fn statement(&mut self) {
        let done = match self.random.below(40) {
            0 => self.make(Op::Pagenew, 4, 40, Kind::Data),
            1 => self.make(Op::Keypage, 3, 8, Kind::Keys),
            2 => {
                self.op(Op::Brand);
                self.remember(Kind::Brand, Rights::ALL);
                Some(())
            }
            3 => self.new_meter(),
            4 | 5 => self.gate(),
            6 => self.attenuate(),
            7 => self.shuffle(),
            8 => self.transfer(),
            9 | 10 => self.put_and_get(),
            11 => self.get_any(),
            12 => self.measure(),
            13 | 14 => self.seal(),
            15 => self.breed(),
            16..19 => self.bear(),
            19 => self.fork(),
            20..23 => {
                self.call_child();
                Some(())
            }
            23 => self.request(),
            24..26 => self.look_at_process(),
            26 => self.set_keeper(),
            27 | 28 => self.read_meter(),
            29 => self.limit(),
            30 => self.stop_and_start(),
            31..34 => self.write(),
            34 => self.resize(),
            35 | 36 => self.inspect(),
            37 => self.hash(),
            _ => self.destroy(),
        };
        if done.is_none() {
            self.plain();
        }
    }

    fn plain(&mut self) {
        self.push(2);
        self.push(90);
        self.op(Op::Random);
        self.number();
        let op = self.random.pick(&[Op::Add, Op::Mul, Op::Xor, Op::Shl]);
        self.op(op);
        let word = self.random.below(WORDS) as i64;
        self.store_word(word);
    }

    fn make(&mut self, op: Op, low: u64, high: u64, kind: Kind) -> Option<()> {
        let size = self.random.within(low, high);
        self.push(size);
        self.op(op);
        self.remember(kind, Rights::ALL);
        Some(())
    }

    fn new_meter(&mut self) -> Option<()> {
        match self.with(Kind::Meter, Rights::SEND).filter(|_| self.random.percent(50)) {
            Some(above) => self.slot(above),
            None => self.push(0),
        }
        self.op(Op::Meter);
        let meter = self.remember(Kind::Meter, Rights::ALL);
        if self.random.percent(50) {
            self.set_limit(meter);
        }
        Some(())
    }

    fn gate(&mut self) -> Option<()> {
        let of = self.copied()?;
        self.slot(of);
        self.op(Op::Gate);
        let gate = self.remember(Kind::Gate, Rights::ALL);
        let copy = self.remember_copy(of, Rights::ALL);
        // It dies with the gate.
        self.vars[copy].parent = Some(gate);
        if self.random.percent(40) {
            self.slot(gate);
            self.op(Op::Revoke);
            self.bury(gate);
        }
        Some(())
    }

    fn attenuate(&mut self) -> Option<()> {
        let of = self.copied()?;
        let mask = Rights::from_bits(self.random.next() | self.random.next());
        self.slot(of);
        self.push(mask.bits().into());
        self.op(Op::Attenuate);
        self.remember_copy(of, mask);
        Some(())
    }

    fn shuffle(&mut self) -> Option<()> {
        if self.random.percent(30) {
            let slots = self.random.within(self.slots + 16, 90);
            self.push(slots);
            self.op(Op::Keyroom);
            return Some(());
        }
        let of = self.copied()?;
        self.slot(of);
        self.push(Rights::ALL.bits().into());
        self.op(Op::Attenuate);
        self.push(EMPTY_SLOT);
        self.op(Op::Keymove);
        self.push(EMPTY_SLOT);
        self.op(Op::Keydrop);
        Some(())
    }

    fn transfer(&mut self) -> Option<()> {
        let to = self.with(Kind::Process, Rights::SEND)?;
        let of = self.copied()?;
        self.slot(to);
        self.slot(of);
        self.op(Op::Transferkey);
        self.op(Op::Drop);
        Some(())
    }

    fn put_and_get(&mut self) -> Option<()> {
        let page = self.with(Kind::Keys, Rights::WRITE)?;
        let of = self.copied()?;
        let at = self.random.below(3);
        self.slot(of);
        self.slot(page);
        self.push(at);
        self.op(Op::Keyput);
        if self.vars[page].rights.has(Rights::READ) {
            self.slot(page);
            self.push(at);
            self.op(Op::Keyget);
            let strong = self.vars[page].rights.has(Rights::STRONG);
            self.remember_copy(of, if strong { Rights::ALL } else { Rights::WEAKENED });
        }
        Some(())
    }

    /// A key of a page that is as it was found: it is not known which.
    fn get_any(&mut self) -> Option<()> {
        let kind = self.random.pick(&[Kind::Keys, Kind::Process]);
        let from = self.with(kind, Rights::READ)?;
        let at = if kind == Kind::Keys { self.random.below(4) } else { self.random.within(2, 10) };
        self.slot(from);
        self.push(at);
        self.op(Op::Keyget);
        // Whatever is tried with it.
        let kind = self.random.pick(&[Kind::Data, Kind::Data, Kind::Keys, Kind::Process, Kind::Meter]);
        let found = self.remember(kind, Rights::ALL);
        self.vars[found].is_new = false;
        Some(())
    }

    fn measure(&mut self) -> Option<()> {
        let kind = self.random.pick(&[Kind::Data, Kind::Code, Kind::Keys]);
        let of = self.with(kind, Rights::READ)?;
        self.slot(of);
        self.op(Op::Pagesize);
        let word = self.random.below(WORDS) as i64;
        self.store_word(word);
        Some(())
    }

    fn seal(&mut self) -> Option<()> {
        if self.random.percent(40) {
            // Something that somebody sealed.
            let of = self.any(|var| var.seal != 0 && var.rights.has(Rights::COPY))?;
            let brand = self.with(Kind::Brand, Rights::READ)?;
            self.slot(of);
            self.slot(brand);
            self.op(Op::Unseal);
            // It may be another brand: then all ones, which is no slot.
            let open = self.remember_copy(of, Rights::ALL);
            self.vars[open].seal = 0;
            return Some(());
        }
        let of = self.copied()?;
        let brand = self.with(Kind::Brand, Rights::WRITE)?;
        self.slot(of);
        self.slot(brand);
        self.op(Op::Seal);
        let sealed = self.remember_copy(of, Rights::ALL);
        self.vars[sealed].seal = brand as u64 + 1;
        if self.random.percent(60) && self.vars[brand].rights.has(Rights::READ) {
            self.slot(sealed);
            self.slot(brand);
            self.op(Op::Unseal);
            let open = self.remember_copy(sealed, Rights::ALL);
            self.vars[open].seal = 0;
        }
        Some(())
    }

    /// Writes code, seals it, and makes a process of it.
    fn breed(&mut self) -> Option<()> {
        let child = CodeParts {
            instructions: encoded(&[(Op::Push, &[7]), (Op::Yield, &[1, 0]), (Op::Jump, &[0])]),
            ..CodeParts::default()
        };
        let words = child.words();
        self.push(words.len() as u64);
        self.op(Op::Pagenew);
        let page = self.remember(Kind::Code, Rights::ALL);
        for (at, &word) in words.iter().enumerate() {
            self.memory(page);
            self.push(at as u64);
            let constant = self.parts.constants.len() as i64;
            self.parts.constants.push(word);
            self.emit(Op::Const, &[constant]);
            self.op(Op::Memwrite);
        }
        self.slot(page);
        self.op(Op::Codeseal);
        self.op(Op::Drop);
        self.born(page, 4);
        Some(())
    }

    /// Makes a process of code that there is.
    fn bear(&mut self) -> Option<()> {
        let of = self.with(Kind::Code, Rights::CALL)?;
        let words = self.random.pick(&[0, 8, 64]);
        self.born(of, words);
        Some(())
    }

    /// Makes a process, does something to it, and calls it.
    fn born(&mut self, of: usize, words: u64) {
        self.slot(of);
        self.push(words);
        self.op(Op::Create);
        let child = self.remember(Kind::Process, Rights::ALL);
        self.vars[child].is_child = true;
        let stands = self.random.percent(40);
        if stands && let Some(meter) = self.with(Kind::Meter, Rights::SEND) {
            self.slot(child);
            self.slot(meter);
            self.op(Op::Setmeter);
        }
        if self.random.percent(40)
            && let Some(keeper) = self.with(Kind::Process, Rights::from_bits(0b10_0000_1000 | 0b1_0000_0000))
        {
            self.slot(child);
            self.slot(keeper);
            self.op(Op::Setkeeper);
        }
        if self.random.percent(50)
            && let Some(given) = self.copied()
        {
            self.slot(child);
            self.slot(given);
            self.op(Op::Transferkey);
            self.op(Op::Drop);
        }
        self.call(child, stands);
        if self.random.percent(40) {
            self.slot(child);
            self.op(Op::Destroy);
            self.bury(child);
        }
    }

    fn fork(&mut self) -> Option<()> {
        self.op(Op::Fork);
        let child = self.remember(Kind::Process, Rights::ALL);
        if self.random.percent(30) {
            self.call(child, false);
        }
        self.slot(child);
        self.op(Op::Destroy);
        self.bury(child);
        Some(())
    }

    pub(super) fn call_child(&mut self) {
        let child = self.any(|var| var.is_child && var.seal == 0 && var.rights.has(Rights::CALL));
        let Some(child) = child else { return self.plain() };
        // One that has a meter of its own is not run by `recurse` with such a key.
        let is_mendable = self.vars[child].rights.has(Rights::MEND);
        let stands = self.random.percent(if is_mendable { 30 } else { 70 });
        self.call(child, stands);
    }

    fn call(&mut self, child: usize, stands: bool) {
        let words = self.random.pick(&[0, 0, 1, 3]);
        for _ in 0..words {
            self.number();
        }
        let given = if self.random.percent(40) { self.copied() } else { None };
        if let Some(given) = given {
            self.slot(given);
        }
        let keys = i64::from(given.is_some());
        self.slot(child);
        if stands {
            self.emit(Op::Invoke, &[words, keys]);
        } else {
            let gas = self.random.pick(&[60, 300, 1000, 3000, 1 << 40, 1 << 40]);
            let room = self.random.pick(&[200, 1000, 1 << 40, 1 << 40]);
            self.push(gas);
            self.push(room);
            self.emit(Op::Recurse, &[words, keys]);
        }
        self.drop_result();
    }

    /// Takes off a status, a count, and so many words.
    fn drop_result(&mut self) {
        // It costs 2: a slice of 1 that brought control back here ends here.
        self.emit(Op::Slide, &[2, 0]);
        self.op(Op::Drop);
        self.store_word(SPARE);
        let top = self.here();
        self.load_word(SPARE);
        let end = self.emit(Op::Jumpz, &[0]);
        self.op(Op::Drop);
        self.load_word(SPARE);
        self.push(1);
        self.op(Op::Sub);
        self.store_word(SPARE);
        self.emit(Op::Jump, &[top]);
        self.land(end);
    }

    fn request(&mut self) -> Option<()> {
        let host = self.with(Kind::Host, Rights::CALL)?;
        self.number();
        self.slot(host);
        self.emit(Op::Invoke, &[1, 0]);
        self.drop_result();
        Some(())
    }

    fn look_at_process(&mut self) -> Option<()> {
        let mends = self.random.percent(50);
        let of = self.with(Kind::Process, if mends { Rights::MEND } else { Rights::READ })?;
        let memory = self.random.pick(&[0, 0, 2, 2, 3]);
        let index = if memory == 3 { 0 } else { self.random.below(WORDS) };
        if mends && self.random.percent(40) {
            self.slot(of);
            let words = self.random.within(96, 120);
            self.push(words);
            self.op(Op::Grow);
            self.op(Op::Drop);
            return Some(());
        }
        self.slot(of);
        if mends {
            self.push(2);
            self.push(index);
            self.number();
            self.op(Op::Poke);
            return Some(());
        }
        self.push(memory);
        let field = if memory == 0 { index % meta::LENGTH } else { index };
        self.push(field);
        self.op(Op::Peek);
        self.op(Op::Drop);
        Some(())
    }

    fn set_keeper(&mut self) -> Option<()> {
        let of = if self.random.percent(50) {
            self.with(Kind::Process, Rights::MEND)
        } else {
            self.with(Kind::Meter, Rights::LIMIT)
        }?;
        let both = Rights::from_bits(u64::from(Rights::CALL.bits() + Rights::COPY.bits()));
        let keeper = self.with(Kind::Process, both)?;
        self.slot(of);
        self.slot(keeper);
        self.op(Op::Setkeeper);
        Some(())
    }

    fn read_meter(&mut self) -> Option<()> {
        let of = self.with(Kind::Meter, Rights::READ)?;
        let field = self.random.below(meter::LENGTH);
        self.slot(of);
        self.push(field);
        self.op(Op::Meterread);
        let word = self.random.below(WORDS) as i64;
        self.store_word(word);
        Some(())
    }

    fn limit(&mut self) -> Option<()> {
        let of = self.with(Kind::Meter, Rights::LIMIT)?;
        self.set_limit(of);
        Some(())
    }

    fn set_limit(&mut self, of: usize) {
        let is_new = self.vars[of].is_new;
        let field = self.random.pick(&[
            meter::GAS_LIMIT,
            meter::WORDS_LIMIT,
            meter::RENT_LIMIT_LOW,
            meter::RENT_LIMIT_HIGH,
        ]);
        let limit = match field {
            // Only what it made itself runs dry soon.
            meter::GAS_LIMIT if is_new => self.random.pick(&[100, 500, 3000]),
            meter::WORDS_LIMIT if is_new => self.random.pick(&[30, 300, 3000]),
            meter::RENT_LIMIT_HIGH => self.random.pick(&[0, 1, 7]),
            _ => self.random.pick(&[1 << 30, 1 << 40, 50_000]),
        };
        self.slot(of);
        self.push(field);
        self.push(limit);
        self.op(Op::Meterlimit);
    }

    fn stop_and_start(&mut self) -> Option<()> {
        let kind = self.random.pick(&[Kind::Process, Kind::Meter]);
        let of = self.with(kind, Rights::from_bits(u64::from(Rights::STOP.bits() | Rights::MEND.bits())))?;
        self.slot(of);
        self.op(Op::Stop);
        if self.random.percent(85) {
            self.slot(of);
            self.op(Op::Start);
        }
        Some(())
    }

    fn write(&mut self) -> Option<()> {
        let of = self.with(Kind::Data, Rights::WRITE)?;
        let at = self.random.below(4);
        if let Place::Slot(slot) = self.vars[of].place
            && self.random.percent(60)
        {
            let memory = slot as i64 + 4;
            match self.random.below(4) {
                0 => {
                    self.number();
                    self.emit(Op::Store64at, &[memory, at as i64 * 8]);
                }
                1 => {
                    self.push(at * 8);
                    self.number();
                    let op = self.random.pick(&[Op::Store8, Op::Store16, Op::Store32, Op::Store64]);
                    self.emit(op, &[memory, 3]);
                }
                2 => {
                    for number in [at, 55, 20] {
                        self.push(number);
                    }
                    self.emit(Op::Fill, &[memory]);
                }
                _ => {
                    for number in [at, 64, 17] {
                        self.push(number);
                    }
                    self.emit(Op::Copy, &[memory, 2]);
                }
            }
            return Some(());
        }
        self.memory(of);
        self.push(at);
        self.number();
        self.op(Op::Memwrite);
        Some(())
    }

    fn resize(&mut self) -> Option<()> {
        if self.random.percent(50) {
            let of = self.with(Kind::Keys, Rights::RESIZE)?;
            let slots = self.random.within(3, 12);
            self.slot(of);
            self.push(slots);
            self.op(Op::Keyresize);
            return Some(());
        }
        let of = self.with(Kind::Data, Rights::RESIZE)?;
        let words = self.random.pick(&[8, 30, 70]);
        self.memory(of);
        self.push(words);
        self.op(Op::Memresize);
        Some(())
    }

    fn inspect(&mut self) -> Option<()> {
        let [of, other] = [self.any(|_| true)?, self.any(|_| true)?];
        match self.random.below(3) {
            0 => {
                self.slot(of);
                self.op(Op::Keyinfo);
                self.op(Op::Add);
            }
            1 => {
                self.slot(of);
                self.slot(other);
                self.op(Op::Keysame);
            }
            _ => {
                let page = self.with(Kind::Data, Rights::READ)?;
                self.memory(page);
                self.push(2);
                self.op(Op::Mempush);
            }
        }
        let word = self.random.below(WORDS) as i64;
        self.store_word(word);
        Some(())
    }

    fn hash(&mut self) -> Option<()> {
        let kind = self.random.pick(&[Kind::Data, Kind::Keys, Kind::Process, Kind::Code]);
        let of = self.with(kind, Rights::READ)?;
        self.slot(of);
        self.op(Op::Statehash);
        for _ in 0..3 {
            self.op(Op::Xor);
        }
        let word = self.random.below(WORDS) as i64;
        self.store_word(word);
        Some(())
    }

    fn destroy(&mut self) -> Option<()> {
        let kinds = [Kind::Data, Kind::Keys, Kind::Process, Kind::Meter, Kind::Gate, Kind::Brand, Kind::Code];
        let kind = self.random.pick(&kinds);
        let may = self.random.percent(30);
        let of = if may { self.with(kind, Rights::DESTROY) } else { self.own(kind) }?;
        self.slot(of);
        self.op(Op::Destroy);
        self.bury(of);
        Some(())
    }

    /// Drops the keys that it did not begin with.
    pub(super) fn drop_keys(&mut self) {
        let top = self.here();
        self.op(Op::Numkeys);
        self.push(self.slots);
        self.op(Op::Gt);
        let end = self.emit(Op::Jumpz, &[0]);
        self.op(Op::Numkeys);
        self.push(1);
        self.op(Op::Sub);
        self.op(Op::Keydrop);
        self.emit(Op::Jump, &[top]);
        self.land(end);
    }
}
