//! The code cache: native code by the hash of the code page, as much as a limit allows.

use super::page::NativePage;
use crate::image::Hash;
use crate::kernel::CodePage;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Bytes of machine code that are kept at most, besides what is running.
const BYTES_MAX: usize = 256 << 20;

#[derive(Debug, Default)]
pub(super) struct Cache {
    pages: BTreeMap<Hash, Cached>,
    /// The pages by when they were used last.
    by_use: BTreeMap<u64, Hash>,
    bytes: usize,
    /// Counts the uses.
    now: u64,
}

#[derive(Debug)]
struct Cached {
    page: Arc<NativePage>,
    bytes: usize,
    used: u64,
}

impl Cache {
    /// The page with this code's hash.
    pub(super) fn page(&mut self, code: &Arc<CodePage>) -> Arc<NativePage> {
        self.now += 1;
        let hash = code.hash();
        let now = self.now;
        let cached = self.pages.entry(hash).or_insert_with(|| {
            let page = Arc::new(NativePage::new(Arc::clone(code)));
            let bytes = page.tables_bytes();
            self.bytes += bytes;
            Cached { bytes, page, used: now }
        });
        self.by_use.remove(&cached.used);
        self.by_use.insert(now, hash);
        cached.used = now;
        let page = Arc::clone(&cached.page);
        self.evict(&page);
        page
    }

    /// Counts what has been compiled for a page.
    pub(super) fn grown(&mut self, page: &Arc<NativePage>, bytes: usize) {
        if let Some(cached) = self.pages.get_mut(&page.hash())
            && Arc::ptr_eq(&cached.page, page)
        {
            cached.bytes += bytes;
            self.bytes += bytes;
            self.evict(page);
        }
    }

    /// Lets go what has not been used for longest, but for one page. Its memory is free as soon as nobody runs in it.
    fn evict(&mut self, keep: &Arc<NativePage>) {
        while self.bytes > BYTES_MAX {
            let kept = |hash| self.pages.get(hash).is_some_and(|cached| Arc::ptr_eq(&cached.page, keep));
            let oldest = self.by_use.values().find(|&hash| !kept(hash)).copied();
            let Some(cached) = oldest.and_then(|hash| self.pages.remove(&hash)) else { return };
            self.by_use.remove(&cached.used);
            self.bytes -= cached.bytes;
            cached.page.evict();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyvm_isa::Code;
    use keyvm_isa::code::CodeParts;

    fn page(instructions: Vec<u64>) -> Arc<CodePage> {
        let code = Code::new(CodeParts { instructions, ..CodeParts::default() }.words()).expect("code");
        Arc::new(CodePage::new(code))
    }

    #[test]
    fn what_was_used_longest_ago_goes_and_all_that_a_page_takes_is_counted() {
        let mut cache = Cache::default();
        // Ever so short, a page takes some hundred bytes.
        let first = page(vec![1]);
        drop(cache.page(&first));
        assert!(cache.bytes >= 700);
        // As long as two of them are in it, there is no room for a third.
        let bytes = BYTES_MAX / 5 * 2;
        let [one, two, three] = [2, 3, 4].map(|word| page(vec![word; 10]));
        let natives = [&one, &two].map(|page| cache.page(page));
        natives.iter().for_each(|native| cache.grown(native, bytes));
        assert!(Arc::ptr_eq(&cache.page(&one), &natives[0]));
        let third = cache.page(&three);
        cache.grown(&third, bytes);
        assert!(natives[1].is_evicted() && !natives[0].is_evicted());
        assert_eq!((cache.pages.len(), cache.by_use.len()), (2, 2));
        assert!(cache.bytes <= BYTES_MAX && !Arc::ptr_eq(&cache.page(&two), &natives[1]));
    }
}
