//! Numbers and texts as a few bytes: unsigned LEB128, seven bits a byte, the low ones first.

/// Appends a number.
pub(super) fn put_uint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

/// Appends a number with a sign: what is near 0 is short, whichever its sign.
pub(super) fn put_int(out: &mut Vec<u8>, value: i64) {
    put_uint(out, (value << 1 ^ value >> 63).cast_unsigned());
}

/// Appends a text, its length before it.
pub(super) fn put_text(out: &mut Vec<u8>, text: &str) {
    put_uint(out, text.len() as u64);
    out.extend(text.as_bytes());
}

/// Bytes that are taken apart from the front.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bytes<'b>(pub(super) &'b [u8]);

impl<'b> Bytes<'b> {
    /// The number that comes next; `None` if there is none, it has more than 64 bits, or it could be shorter.
    pub(super) fn uint(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.0.split_first()?;
            self.0 = rest;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits || (byte == 0 && shift > 0) {
                return None;
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    /// The number with a sign that comes next.
    pub(super) fn int(&mut self) -> Option<i64> {
        let value = self.uint()?;
        Some((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    /// The text that comes next.
    pub(super) fn text(&mut self) -> Option<&'b str> {
        let length = usize::try_from(self.uint()?).ok()?;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        core::str::from_utf8(text).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_survive() {
        let edges = (0..64).flat_map(|bit| [(1_u64 << bit) - 1, 1 << bit, u64::MAX << bit]);
        for value in edges {
            let mut out = Vec::new();
            put_uint(&mut out, value);
            put_int(&mut out, value.cast_signed());
            let mut bytes = Bytes(&out);
            assert_eq!(bytes.uint(), Some(value));
            assert_eq!(bytes.int(), Some(value.cast_signed()));
            assert!(bytes.0.is_empty());
        }
        let mut out = Vec::new();
        put_int(&mut out, -1);
        assert_eq!(out, [1]);
    }

    #[test]
    fn what_nobody_writes_is_not_read() {
        let long = [0xff; 9];
        for bytes in
            [&[][..], &[0x80], &[0x80, 0], &[0xff, 0x80, 0], &[&long[..], &[2]].concat(), &[0xff; 11]]
        {
            assert_eq!(Bytes(bytes).uint(), None, "{bytes:x?}");
        }
        assert_eq!(Bytes(&[&long[..], &[1]].concat()).uint(), Some(u64::MAX));
        for text in [&[2, b'a'][..], &[1, 0xff], &[0xff, 0xff, 0xff, 0xff, 0xff, 1]] {
            assert_eq!(Bytes(text).text(), None, "{text:x?}");
        }
    }
}
