//! Words that are handed from one to another.

use smallvec::SmallVec;
use std::fmt;
use std::ops::Deref;

/// Words that a process gives to the host, or to another process. So few as it is mostly take no memory of their own.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Words(SmallVec<[u64; 2]>);

impl Deref for Words {
    type Target = [u64];

    #[inline]
    fn deref(&self) -> &[u64] {
        &self.0
    }
}

impl From<&[u64]> for Words {
    #[inline(always)]
    fn from(words: &[u64]) -> Self {
        Self(match *words {
            [] => SmallVec::new(),
            [word] => SmallVec::from_buf_and_len([word, 0], 1),
            _ => SmallVec::from_slice(words),
        })
    }
}

impl<const N: usize> From<[u64; N]> for Words {
    #[inline]
    fn from(words: [u64; N]) -> Self {
        Self::from(words.as_slice())
    }
}

impl fmt::Debug for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_that_they_were_made_of() {
        for count in 0..5 {
            let words: Vec<u64> = (7..7 + count).collect();
            assert_eq!(*Words::from(words.as_slice()), *words);
        }
        assert_eq!(format!("{:?}", Words::from([7, 8, 9])), "[7, 8, 9]");
        assert_ne!(Words::from([7]), Words::from([7, 0]));
    }
}
