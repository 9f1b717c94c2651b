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
            let (base, words) = (self.standing_end(superior), self.words_of_object(r));
            for meter in self.path(base).collect::<Vec<_>>() {
                let counted = self.meter(meter).words_used.checked_add(words);
                self.meter_mut(meter).words_used = counted.ok_or(meter.number)?;
            }
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
            .filter(|&r| matches!(self.arena.body(r), Some(Body::Meter(_))))
            .map(|r| (r, self.meter(r).words_used))
            .collect();
        for &(meter, _) in &counts {
            self.meter_mut(meter).words_used = 0;
        }
        self.count_all_words()?;
        for (meter, before) in counts {
            if self.meter(meter).words_used != before {
                return Err(meter.number);
            }
        }
        Ok(())
    }
}
