//! The arguments a program was started with.

use super::{Host, HostCall, Reply};

/// The arguments; the first word of a request says what is wanted.
///
/// | words | result |
/// |---|---|
/// | `0` | how many there are |
/// | `1, i` | the length of argument `i` in bytes |
/// | `2, i, address, length` | stores the first `length` bytes of it into the caller's data, or the page whose key came along; how many |
/// | `3, i` | argument `i`, read as a decimal number: a word, or a negative one in two's complement |
///
/// Anything else, an argument that is not there, or one that is no number, is refused.
#[derive(Clone, Debug, Default)]
pub struct Args {
    args: Vec<String>,
}

impl Args {
    /// These arguments.
    pub fn new(args: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { args: args.into_iter().map(Into::into).collect() }
    }

    fn argument(&self, index: u64) -> Option<&str> {
        self.args.get(usize::try_from(index).ok()?).map(String::as_str)
    }

    fn answer(&self, call: &mut HostCall<'_>) -> Option<Reply> {
        match *call.words() {
            [0] => Some(Reply::words([self.args.len() as u64])),
            [1, index] => Some(Reply::words([self.argument(index)?.len() as u64])),
            [2, index, address, length] => {
                let bytes = self.argument(index)?.as_bytes();
                let bytes = &bytes[..bytes.len().min(usize::try_from(length).ok()?)];
                if call.key_count() > 0 {
                    call.write_page(0, address, bytes)?;
                } else {
                    call.write(address, bytes)?;
                }
                Some(Reply::words([bytes.len() as u64]))
            }
            [3, index] => {
                let text = self.argument(index)?;
                let number = match text.strip_prefix('-') {
                    Some(_) => text.parse::<i64>().ok()?.cast_unsigned(),
                    None => text.parse::<u64>().ok()?,
                };
                Some(Reply::words([number]))
            }
            _ => None,
        }
    }
}

impl Host for Args {
    fn call(&mut self, call: &mut HostCall<'_>) -> Reply {
        self.answer(call).unwrap_or_else(Reply::refused)
    }
}
