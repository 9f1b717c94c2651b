//! The console: text out, lines in.

use super::{HOST_BYTES_MAX, Host, HostCall, Reply};
use std::io::{BufRead, Write};

/// Operations of the console, the first word of a request.
///
/// | words | does | result |
/// |---|---|---|
/// | `0, address, length` | writes bytes of the caller's data, or of the page whose key came along | |
/// | `1, n` | writes `n` as an unsigned decimal number | |
/// | `2, n` | writes `n` as a signed decimal number | |
/// | `3, x` | writes `x` as a floating number (f64) | |
/// | `4, c` | writes the character whose code is `c` | |
/// | `5, address, length` | reads a line, without its end, into the caller's data or the page | its length, or all ones at the end of the input |
///
/// A line longer than `length` is read in pieces. Anything else is refused.
pub struct Console {
    input: Box<dyn BufRead + Send>,
    output: Box<dyn Write + Send>,
    /// What has been read of a line and not been handed over.
    rest: Vec<u8>,
}

impl std::fmt::Debug for Console {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Console").finish_non_exhaustive()
    }
}

impl Console {
    /// A console that reads from `input` and writes to `output`.
    pub fn new(input: impl BufRead + Send + 'static, output: impl Write + Send + 'static) -> Self {
        Self { input: Box::new(input), output: Box::new(output), rest: Vec::new() }
    }

    /// The console of this program: standard input and output.
    #[must_use]
    pub fn standard() -> Self {
        Self::new(std::io::BufReader::new(std::io::stdin()), std::io::stdout())
    }

    fn write(&mut self, bytes: &[u8]) -> Option<Reply> {
        self.output.write_all(bytes).ok()?;
        self.output.flush().ok()?;
        Some(Reply::words([]))
    }

    fn read(&mut self, call: &mut HostCall<'_>, address: u64, length: u64) -> Option<Reply> {
        let length = usize::try_from(length.min(HOST_BYTES_MAX)).ok()?;
        if self.rest.is_empty() {
            let limit = HOST_BYTES_MAX;
            if std::io::Read::take(&mut self.input, limit).read_until(b'\n', &mut self.rest).ok()? == 0 {
                return Some(Reply::words([u64::MAX]));
            }
        }
        let end = self.rest.iter().position(|&byte| byte == b'\n');
        let piece = end.unwrap_or(self.rest.len()).min(length);
        let bytes = &self.rest[..piece];
        if call.key_count() > 0 {
            call.write_page(0, address, bytes)?;
        } else {
            call.write(address, bytes)?;
        }
        let used = if end == Some(piece) { piece + 1 } else { piece };
        self.rest.drain(..used);
        Some(Reply::words([piece as u64]))
    }

    fn answer(&mut self, call: &mut HostCall<'_>) -> Option<Reply> {
        match *call.words() {
            [0, address, length] => {
                let bytes = if call.key_count() > 0 {
                    call.read_page(0, address, length)
                } else {
                    call.read(address, length)
                };
                let bytes = bytes?.to_vec();
                self.write(&bytes)
            }
            [1, n] => self.write(n.to_string().as_bytes()),
            [2, n] => self.write(n.cast_signed().to_string().as_bytes()),
            [3, x] => self.write(f64::from_bits(x).to_string().as_bytes()),
            [4, c] => {
                let c = char::from_u32(u32::try_from(c).ok()?)?;
                self.write(c.encode_utf8(&mut [0; 4]).as_bytes())
            }
            [5, address, length] => self.read(call, address, length),
            _ => None,
        }
    }
}

impl Host for Console {
    fn call(&mut self, call: &mut HostCall<'_>) -> Reply {
        self.answer(call).unwrap_or_else(Reply::refused)
    }
}
