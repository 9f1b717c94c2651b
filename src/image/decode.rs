//! The inverse of [`super::encode`]: objects from the bytes of a file's tables.
//!
//! Whoever wrote the bytes may be an attacker. Every count is compared with the bytes that are left before anything is
//! allocated for it, so what is allocated is at most a small constant times the file (`tests/footprint.rs`); every
//! value that no encoding has is refused; and so is what does not lie where the one encoding of its image has it.

use super::contents::{Data, GAP, Section};
use super::encode::{called, tag};
use super::error::{ImageError, ImageErrorKind};
use keyvm_isa::debug::{CodeDebug, DebugInfo, is_name};
use keyvm_isa::image::{Body, Call, Frame, Key, Link, Meter, Number, Object, Process, Request, Suspended};
use keyvm_isa::rights::Rights;
use keyvm_isa::trap::{Status, Trap};
use std::borrow::Cow;

/// Length of a key, null or not.
const KEY_BYTES: usize = 32;

/// Length of the shortest entry of what people are told: number, length, and something.
const DEBUG_ENTRY_BYTES_MIN: usize = 24;

/// What of an image stands at the head of the tables.
pub(super) struct Header {
    pub(super) next_number: Number,
    pub(super) prime: Number,
    pub(super) root: Number,
    pub(super) chain: Vec<Link>,
    pub(super) request: Option<Request>,
}

/// Takes the tables apart from front to back.
pub(super) struct Decoder<'t> {
    /// What is left of the tables.
    rest: &'t [u8],
    /// Where that begins in the file.
    at: u64,
    code: Section<'t>,
}

impl<'t> Decoder<'t> {
    pub(super) const fn new(tables: &'t [u8], at: u64, code: Section<'t>) -> Self {
        Self { rest: tables, at, code }
    }

    /// Checks that nothing is left.
    pub(super) fn finish(&self) -> Result<(), ImageError> {
        if self.rest.is_empty() { self.code.finish() } else { Err(self.wrong_length()) }
    }

    pub(super) fn header(&mut self) -> Result<Header, ImageError> {
        Ok(Header {
            next_number: self.u64()?,
            prime: self.u64()?,
            root: self.u64()?,
            chain: self.list(16, Self::link)?,
            request: if self.bool("presence of a request")? { Some(self.request()?) } else { None },
        })
    }

    /// The next object, whose number is more than `after`.
    pub(super) fn object<'a, D: Data<'a>>(
        &mut self,
        after: Number,
        data: &mut D,
    ) -> Result<Object<'a>, D::Error> {
        let mut number = after;
        self.ascending(&mut number, "objects are not in ascending order of their numbers")?;
        let meter = self.u64()?;
        let kind_at = self.at;
        let body = match self.u64()? {
            tag::DATA => Body::Data(self.data(data)?),
            tag::CODE => Body::Code(Cow::Owned(self.code()?)),
            tag::KEYS => Body::Keys(self.keys()?),
            tag::PROCESS => Body::Process(Box::new(self.process(data)?)),
            tag::METER => Body::Meter(Box::new(self.meter()?)),
            tag::CALL_METER => Body::CallMeter { callee: self.u64()?, own_words: self.u64()? },
            tag::GATE => Body::Gate { parent: self.u64()? },
            tag::BRAND => Body::Brand,
            tag::HOST => Body::Host(self.name("a host's name")?),
            _ => {
                let field = "kind of an object";
                return Err(ImageError::at(kind_at, ImageErrorKind::OutOfRange { field }).into());
            }
        };
        Ok(Object { number, meter, body })
    }

    /// What people are told of the image, which may be missing.
    pub(super) fn debug(&mut self) -> Result<DebugInfo<'static>, ImageError> {
        if self.rest.is_empty() {
            return Ok(DebugInfo::default());
        }
        let begin = self.at;
        let mut last = 0;
        let names = self.list(DEBUG_ENTRY_BYTES_MIN, |decoder| {
            let number = decoder.ascending(&mut last, "names are not in ascending order of their objects")?;
            let at = decoder.at;
            let name = decoder.name("a name")?;
            if !is_name(&name) {
                return Err(ImageError::at(at, ImageErrorKind::OutOfRange { field: "a name" }));
            }
            Ok((number, Cow::Owned(name)))
        })?;
        let mut last = 0;
        let code = self.list(DEBUG_ENTRY_BYTES_MIN, |decoder| {
            let what = "debug information is not in ascending order of the code pages";
            let number = decoder.ascending(&mut last, what)?;
            let at = decoder.at;
            let code = CodeDebug::parse(Cow::Owned(decoder.counted_bytes()?.to_vec()));
            let field = "debug information of a code page";
            code.map(|code| (number, code))
                .map_err(|_| ImageError::at(at, ImageErrorKind::OutOfRange { field }))
        })?;
        let debug = DebugInfo { names, code };
        if debug.is_empty() {
            let what = "there is debug information that says nothing";
            return Err(ImageError::at(begin, ImageErrorKind::NotCanonical { what }));
        }
        Ok(debug)
    }

    /// A number of an object, which is more than the `last`.
    fn ascending(&mut self, last: &mut Number, what: &'static str) -> Result<Number, ImageError> {
        let at = self.at;
        let number = self.u64()?;
        if number <= *last {
            return Err(ImageError::at(at, ImageErrorKind::NotCanonical { what }));
        }
        *last = number;
        Ok(number)
    }

    fn wrong_length(&self) -> ImageError {
        ImageError::at(self.at, ImageErrorKind::BadSection { section: "tables" })
    }

    /// An error in the value that was read last, which had this many bytes.
    fn out_of_range(&self, bytes: u64, field: &'static str) -> ImageError {
        ImageError::at(self.at - bytes, ImageErrorKind::OutOfRange { field })
    }

    fn bytes(&mut self, length: usize) -> Result<&'t [u8], ImageError> {
        let (bytes, rest) = self.rest.split_at_checked(length).ok_or_else(|| self.wrong_length())?;
        self.rest = rest;
        self.at += length as u64;
        Ok(bytes)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], ImageError> {
        let bytes = self.bytes(N)?;
        bytes.first_chunk().copied().ok_or_else(|| self.wrong_length())
    }

    fn u32(&mut self) -> Result<u32, ImageError> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, ImageError> {
        self.array().map(u64::from_le_bytes)
    }

    fn u128(&mut self) -> Result<u128, ImageError> {
        self.array().map(u128::from_le_bytes)
    }

    fn bool(&mut self, field: &'static str) -> Result<bool, ImageError> {
        match self.u64()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(self.out_of_range(8, field)),
        }
    }

    /// A number of things of which each takes at least `bytes_min` bytes: there are no more than fit.
    fn count(&mut self, bytes_min: usize) -> Result<usize, ImageError> {
        let count = self.u64()?;
        usize::try_from(count)
            .ok()
            .filter(|&count| count <= self.rest.len() / bytes_min)
            .ok_or_else(|| self.out_of_range(8, "a count"))
    }

    fn list<T>(
        &mut self,
        bytes_min: usize,
        mut item: impl FnMut(&mut Self) -> Result<T, ImageError>,
    ) -> Result<Vec<T>, ImageError> {
        let count = self.count(bytes_min)?;
        let mut list = Vec::with_capacity(count);
        for _ in 0..count {
            list.push(item(self)?);
        }
        Ok(list)
    }

    /// The zeros up to a multiple of 8 behind something of this many bytes.
    fn filling(&mut self, bytes: usize) -> Result<(), ImageError> {
        let at = self.at;
        if self.bytes(bytes.next_multiple_of(8) - bytes)?.iter().any(|&byte| byte != 0) {
            return Err(ImageError::at(at, ImageErrorKind::NotCanonical { what: GAP }));
        }
        Ok(())
    }

    fn words(&mut self) -> Result<Vec<u64>, ImageError> {
        let count = self.count(8)?;
        Ok(words(self.bytes(count * 8)?))
    }

    fn name(&mut self, field: &'static str) -> Result<String, ImageError> {
        let at = self.at + 8;
        String::from_utf8(self.counted_bytes()?.to_vec())
            .map_err(|_| ImageError::at(at, ImageErrorKind::OutOfRange { field }))
    }

    /// Bytes with their length before them.
    fn counted_bytes(&mut self) -> Result<&'t [u8], ImageError> {
        let length = self.count(1)?;
        let bytes = self.bytes(length)?;
        self.filling(length)?;
        Ok(bytes)
    }

    fn key(&mut self) -> Result<Option<Key>, ImageError> {
        let (object, bits, gate, seal) = (self.u64()?, self.u64()?, self.u64()?, self.u64()?);
        let rights = Rights::from_bits(bits);
        if u64::from(rights.bits()) != bits {
            return Err(self.out_of_range(24, "rights of a key"));
        }
        match object {
            0 if bits == 0 && gate == 0 && seal == 0 => Ok(None),
            0 => Err(self.out_of_range(KEY_BYTES as u64, "object of a key")),
            _ => Ok(Some(Key { object, rights, gate, seal })),
        }
    }

    fn keys(&mut self) -> Result<Vec<Option<Key>>, ImageError> {
        self.list(KEY_BYTES, Self::key)
    }

    fn link(&mut self) -> Result<Link, ImageError> {
        let process = self.u64()?;
        let call = match u8::try_from(self.u64()?) {
            Ok(called::RECURSE) => Call::Recurse { meter: self.u64()?, gas: self.u64()?, words: self.u64()? },
            Ok(called::INVOKE) => Call::Invoke,
            Ok(called::KEEPER) => Call::Keeper,
            _ => return Err(self.out_of_range(8, "way of a call")),
        };
        Ok(Link { process, call })
    }

    fn request(&mut self) -> Result<Request, ImageError> {
        Ok(Request { host: self.u64()?, words: self.words()?, keys: self.keys()? })
    }

    fn data<'a, D: Data<'a>>(&mut self, data: &mut D) -> Result<Cow<'a, [u8]>, D::Error> {
        let at = self.at;
        let (length, offset) = (self.u64()?, self.u64()?);
        if !length.is_multiple_of(8) {
            return Err(ImageError::at(at, ImageErrorKind::OutOfRange { field: "length of data" }).into());
        }
        data.take(at, length, offset)
    }

    fn code(&mut self) -> Result<Vec<u64>, ImageError> {
        let at = self.at;
        let (length, offset) = (self.u64()?, self.u64()?);
        if !length.is_multiple_of(8) {
            return Err(ImageError::at(at, ImageErrorKind::OutOfRange { field: "length of code" }));
        }
        Ok(words(self.code.take(at, length, offset)?))
    }

    fn meter(&mut self) -> Result<Meter, ImageError> {
        Ok(Meter {
            gas_used: self.u64()?,
            gas_limit: self.u64()?,
            words_limit: self.u64()?,
            rent_used: self.u128()?,
            rent_limit: self.u128()?,
            stopped: self.bool("whether a meter is stopped")?,
            keeper: self.key()?,
        })
    }

    fn frame(&mut self) -> Result<Frame, ImageError> {
        Ok(Frame { return_index: self.u32()?, base: self.u32()?, typ: self.u32()? })
    }

    fn process<'a, D: Data<'a>>(&mut self, data: &mut D) -> Result<Process<'a>, D::Error> {
        let code = self.u64()?;
        let at = self.at;
        let [status, trap, message_words, message_keys, standing, stopped, suspended, zero] =
            self.array::<8>()?;
        let out_of_range =
            |byte: u64, field| Err(ImageError::at(at + byte, ImageErrorKind::OutOfRange { field }).into());
        let Some(status) = Status::from_number(status) else {
            return out_of_range(0, "status of a process");
        };
        let trap = match Trap::from_number(trap) {
            None if trap != 0 => return out_of_range(1, "trap of a process"),
            trap => trap,
        };
        if standing > 1 {
            return out_of_range(4, "whether a process may be invoked");
        }
        if stopped > 1 {
            return out_of_range(5, "whether a process is stopped");
        }
        if zero != 0 {
            return out_of_range(7, "reserved byte of a process");
        }
        let index = self.u64()?;
        let progress = self.u64()?;
        let stack_capacity = self.u32()?;
        let stack_maximum = self.u32()?;
        let frame_capacity = self.u32()?;
        let key_capacity = self.u32()?;
        let random = self.u64()?;
        let amount = self.u64()?;
        let callee = self.u64()?;
        let caller = self.u64()?;
        let suspended = match (suspended, self.u64()?, self.u64()?) {
            (called::RECURSE, gas, words) => Some(Suspended::Recurse { gas, words }),
            (0, 0, 0) => None,
            (called::INVOKE, 0, 0) => Some(Suspended::Invoke),
            _ => return out_of_range(6, "suspension of a process"),
        };
        let gas_seen = self.u64()?;
        let words_seen = self.u64()?;
        let keeper = self.key()?;
        let data = self.data(data)?;
        let stack = self.words()?;
        let frames = self.list(12, Self::frame)?;
        self.filling(frames.len() * 12)?;
        Ok(Process {
            code,
            status,
            index,
            progress,
            stack: Cow::Owned(stack),
            stack_capacity,
            stack_maximum,
            frames: Cow::Owned(frames),
            frame_capacity,
            data,
            keys: self.keys()?,
            key_capacity,
            random,
            message_words,
            message_keys,
            trap,
            amount,
            standing: standing == 1,
            stopped: stopped == 1,
            keeper,
            callee,
            caller,
            suspended,
            gas_seen,
            words_seen,
        })
    }
}

/// Words from their bytes.
fn words(bytes: &[u8]) -> Vec<u64> {
    bytes.as_chunks::<8>().0.iter().map(|&bytes| u64::from_le_bytes(bytes)).collect()
}
