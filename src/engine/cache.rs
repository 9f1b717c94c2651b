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
            Cached { bytes: page.tables_bytes(), page, used: now }
        });
        if cached.used == now {
            self.bytes += cached.bytes;
        }
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
            let oldest = self
                .pages
                .iter()
                .filter(|(_, cached)| !Arc::ptr_eq(&cached.page, keep))
                .min_by_key(|(_, cached)| cached.used)
                .map(|(&hash, _)| hash);
            let Some(cached) = oldest.and_then(|hash| self.pages.remove(&hash)) else { return };
            self.bytes -= cached.bytes;
            cached.page.evict();
        }
    }
}
