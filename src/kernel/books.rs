//! What every object costs, and whether the books balance.

use super::Kernel;
use super::arena::Ref;
use super::object::Body;
use keyvm_isa::gas;
use keyvm_isa::image::Number;

impl Kernel {
    /// Counts the words of every standing meter anew, from 0.
    ///
    /// # Errors
    /// The meter whose count overflows.
    pub(super) fn count_all_words(&mut self) -> Result<(), Number> {
        for r in self.refs() {
            let superior = self.charged_to(r);
            if superior.is_none() {
                continue;
            }
            let own = self.call_meter(r).map_or(0, |call| call.own_words);
            self.count_anew(superior, self.words_of_object(r) - own)?;
            self.count_anew(r, own)?;
        }
        Ok(())
    }

    /// Adds to all counts that `meter` is in.
    fn count_anew(&mut self, meter: Ref, words: u64) -> Result<(), Number> {
        if words == 0 {
            return Ok(());
        }
        let base = self.standing_end(meter);
        let own = (base != meter).then_some(meter);
        let above: Vec<Ref> =
            self.steps(base).flat_map(|(meter, call)| [Some(meter), call]).flatten().collect();
        for counting in own.into_iter().chain(above) {
            let Some(count) = self.words_counted_mut(counting) else { continue };
            *count = count.checked_add(words).ok_or(counting.number)?;
        }
        Ok(())
    }

    /// The words charged to an object's own meter for it, and for a call meter those of its callee's growth.
    pub(super) fn words_of_object(&self, object: Ref) -> u64 {
        match self.arena.body(object) {
            Some(Body::Data(content)) => gas::PAGE_WORDS + content.words(),
            Some(Body::Code(page)) => gas::PAGE_WORDS + page.code.words().len() as u64,
            Some(Body::Keys(keys)) => gas::PAGE_WORDS + keys.len() as u64 * gas::KEY_SLOT_WORDS,
            Some(Body::Process(process)) => process.words() - process.grown,
            Some(Body::Meter(_)) => gas::METER_WORDS,
            Some(Body::CallMeter(call)) => gas::METER_WORDS + call.own_words,
            Some(Body::Gate { .. }) => gas::GATE_WORDS,
            Some(Body::Brand) => gas::BRAND_WORDS,
            Some(Body::Host(_)) => gas::HOST_WORDS,
            None => 0,
        }
    }

    /// Whether the books balance: counts equal what is charged, and every link holds no more than there is.
    ///
    /// # Errors
    /// The meter whose count is wrong.
    pub(crate) fn audit(&mut self) -> Result<(), Number> {
        self.book();
        let counts: Vec<(Ref, u64)> = self
            .refs()
            .into_iter()
            .filter(|&r| matches!(self.arena.body(r), Some(Body::Meter(_) | Body::CallMeter(_))))
            .map(|r| (r, self.words_counted(r)))
            .collect();
        for &(meter, _) in &counts {
            if let Some(count) = self.words_counted_mut(meter) {
                *count = 0;
            }
        }
        self.count_all_words()?;
        for (meter, before) in counts {
            if self.words_counted(meter) != before {
                return Err(meter.number);
            }
        }
        Ok(())
    }

    /// What a meter, standing or of a call, counts of words. Everything must be booked.
    pub(super) fn words_counted(&self, meter: Ref) -> u64 {
        match self.arena.body(meter) {
            Some(Body::Meter(meter)) => meter.words_used,
            Some(Body::CallMeter(call)) => {
                self.active_link(meter).map_or(call.words, |place| self.chain[place].charged)
            }
            _ => 0,
        }
    }

    /// As [`Kernel::words_counted`], to change it.
    pub(super) fn words_counted_mut(&mut self, meter: Ref) -> Option<&mut u64> {
        if let Some(place) = self.active_link(meter) {
            return Some(&mut self.chain[place].charged);
        }
        match self.arena.body_mut(meter) {
            Some(Body::Meter(meter)) => Some(&mut meter.words_used),
            Some(Body::CallMeter(call)) => Some(&mut call.words),
            _ => None,
        }
    }
}

#[cfg(all(test, feature = "asm"))]
mod tests {
    use super::*;

    #[test]
    fn an_audit_finds_any_count_that_is_wrong() {
        let image = crate::asm::assemble("meter top {}\nmeter below under top {}\npage p { words 3 }\nhalt");
        let mut kernel = Kernel::import(image.expect("it is a program")).expect("it is consistent");
        assert_eq!(kernel.audit(), Ok(()));
        let meters =
            kernel.refs().into_iter().filter(|&r| matches!(kernel.arena.body(r), Some(Body::Meter(_))));
        let meters: Vec<Ref> = meters.collect();
        assert_eq!(meters.len(), 3);
        for meter in meters {
            kernel.meter_mut(meter).words_used += 1;
            assert_eq!(kernel.audit(), Err(meter.number));
            // It has been counted anew.
            assert_eq!(kernel.audit(), Ok(()));
        }
    }
}
