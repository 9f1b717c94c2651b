//! An image to a text that assembles to it.

use super::disasm_code::write_code;
use super::emit::RANDOM_SEED;
use super::emit_body::{capacity, keys_max};
use keyvm_isa::Rights;
use keyvm_isa::code::Code;
use keyvm_isa::debug::CodeDebug;
use keyvm_isa::gas::{FRAMES_INCLUDED, KEYS_INCLUDED, STACK_INCLUDED};
use keyvm_isa::image::{Body, Call, Image, Key, Meter, Number, Object, Process, Suspended};
use keyvm_isa::layout::STACK_MAXIMUM;
use std::collections::BTreeMap;
use std::fmt::{Display, Write};

/// Makes a text of an image. The text assembles to an image of the same state, if the data is whole words, as the kernel
/// gives it out, and if no more than 2^24 words are in long runs of zeros and null keys. What the image tells of where its
/// code comes from is in remarks.
#[must_use]
pub fn disassemble(image: &Image<'_>) -> String {
    let mut names = BTreeMap::new();
    for object in &image.objects {
        names.entry(object.number).or_insert_with(|| format!("{}{}", kind(&object.body), object.number));
    }
    let mut writer = Writer { text: String::new(), names, prime: image.prime };
    writer.image(image);
    for object in &image.objects {
        writer.text.push('\n');
        writer.object(object, image.debug.code_page(object.number));
    }
    writer.text
}

/// What the name of an object begins with.
fn kind(body: &Body<'_>) -> &'static str {
    match body {
        Body::Data(_) => "page",
        Body::Code(_) => "code",
        Body::Keys(_) => "keys",
        Body::Process(_) => "process",
        Body::Meter(_) => "meter",
        Body::CallMeter { .. } => "callmeter",
        Body::Gate { .. } => "gate",
        Body::Brand => "brand",
        Body::Host(_) => "host",
    }
}

struct Writer {
    text: String,
    names: BTreeMap<Number, String>,
    prime: Number,
}

impl Writer {
    fn line(&mut self, indent: usize, line: impl Display) {
        // Writing into a string does not fail.
        let _ = writeln!(self.text, "{:indent$}{line}", "", indent = indent * 2);
    }

    /// A line, unless the value is what the assembler takes where nothing is written.
    fn field<T: Display + PartialEq>(&mut self, indent: usize, name: &str, value: T, default: T) {
        if value != default {
            self.line(indent, format_args!("{name} {value}"));
        }
    }

    fn name(&self, number: Number) -> String {
        match self.names.get(&number) {
            _ if number == 0 => "none".to_owned(),
            Some(name) => name.clone(),
            None => format!("#{number}"),
        }
    }

    fn key(&self, key: Option<Key>) -> String {
        let Some(key) = key else {
            return "null".to_owned();
        };
        let rights = match key.rights {
            Rights::ALL => "all".to_owned(),
            rights => {
                let named = Rights::NAMED.iter().filter(|right| rights.has(right.0)).map(|right| right.1);
                named.collect::<Vec<_>>().join("|")
            }
        };
        let mut text = format!("{}({rights})", self.name(key.object));
        if key.gate != 0 {
            text.push_str(&format!(" via {}", self.name(key.gate)));
        }
        if key.seal != 0 {
            text.push_str(&format!(" sealed {}", self.name(key.seal)));
        }
        text
    }

    fn image(&mut self, image: &Image<'_>) {
        let (prime, root) = (self.name(image.prime), self.name(image.root));
        self.line(0, format_args!("image {{ next {} prime {prime} root {root} }}", image.next_number));
        if !image.chain.is_empty() {
            self.line(0, "chain {");
            for link in &image.chain {
                let process = self.name(link.process);
                match link.call {
                    Call::Invoke => self.line(1, format_args!("{process} invoke")),
                    Call::Keeper => self.line(1, format_args!("{process} keeper")),
                    Call::Recurse { meter, gas, words } => {
                        let meter = self.name(meter);
                        self.line(1, format_args!("{process} recurse {meter}, {gas}, {words}"));
                    }
                }
            }
            self.line(0, "}");
        }
        if let Some(request) = &image.request {
            self.line(0, "request {");
            let host = self.name(request.host);
            self.line(1, format_args!("host {host}"));
            self.words(1, "words", &request.words);
            if !request.keys.is_empty() {
                self.keys(1, "keys", &request.keys, None);
            }
            self.line(0, "}");
        }
    }

    fn object(&mut self, object: &Object<'_>, debug: Option<&CodeDebug<'_>>) {
        let number = object.number;
        let kind = kind(&object.body);
        let mut head = format!("{kind} {kind}{number} #{number}");
        if let Body::Host(name) = &object.body {
            head.push(' ');
            quote(&mut head, name);
        }
        let default = if number == self.prime { 0 } else { self.prime };
        if object.meter != default {
            head.push_str(&format!(" under {}", self.name(object.meter)));
        }
        match &object.body {
            Body::Host(_) | Body::Brand => self.line(0, head),
            Body::Data(bytes) => self.data(0, &head, bytes),
            Body::Code(words) => match Code::new(words.to_vec()) {
                Ok(code) => {
                    self.line(0, format_args!("{head} {{"));
                    write_code(&mut self.text, "  ", &code, debug);
                    self.line(0, "}");
                }
                Err(_) => self.words(0, &format!("raw{head}"), words),
            },
            Body::Keys(keys) => self.keys(0, &head, keys, None),
            Body::Gate { parent: 0 } => self.line(0, head),
            Body::Gate { parent } => {
                let parent = self.name(*parent);
                self.line(0, format_args!("{head} {{ parent {parent} }}"));
            }
            Body::CallMeter { callee, own_words } => {
                let callee = self.name(*callee);
                self.line(0, format_args!("{head} {{ callee {callee} own_words {own_words} }}"));
            }
            Body::Meter(meter) => self.meter(&head, meter),
            Body::Process(process) => self.process(&head, number, process),
        }
    }

    fn meter(&mut self, head: &str, meter: &Meter) {
        self.line(0, format_args!("{head} {{"));
        self.field(1, "gas_used", meter.gas_used, 0);
        self.field(1, "gas_limit", meter.gas_limit, u64::MAX);
        self.field(1, "words_limit", meter.words_limit, u64::MAX);
        self.field(1, "rent_used", meter.rent_used, 0);
        self.field(1, "rent_limit", meter.rent_limit, u128::MAX);
        if meter.stopped {
            self.line(1, "stopped");
        }
        if meter.keeper.is_some() {
            let keeper = self.key(meter.keeper);
            self.line(1, format_args!("keeper {keeper}"));
        }
        self.line(0, "}");
    }

    fn process(&mut self, head: &str, number: Number, process: &Process<'_>) {
        self.line(0, format_args!("{head} {{"));
        let code = self.name(process.code);
        self.line(1, format_args!("code {code}"));
        if process.standing {
            self.line(1, "standing");
        }
        if process.stopped {
            self.line(1, "stopped");
        }
        self.line(1, format_args!("status {}", process.status));
        self.line(1, format_args!("index {}", process.index));
        self.field(1, "progress", process.progress, 0);
        self.field(1, "random", process.random, RANDOM_SEED);
        self.field(1, "message_words", process.message_words, 0);
        self.field(1, "message_keys", process.message_keys, 0);
        if let Some(trap) = process.trap {
            self.line(1, format_args!("trap {trap}"));
        }
        self.field(1, "amount", process.amount, 0);
        if process.keeper.is_some() {
            let keeper = self.key(process.keeper);
            self.line(1, format_args!("keeper {keeper}"));
        }
        let callee = self.name(process.callee);
        self.field(1, "callee", callee, self.name(0));
        let caller = self.name(process.caller);
        self.field(1, "caller", caller, self.name(0));
        match process.suspended {
            None => {}
            Some(Suspended::Invoke) => self.line(1, "suspended invoke"),
            Some(Suspended::Recurse { gas, words }) => {
                self.line(1, format_args!("suspended recurse {gas}, {words}"));
            }
        }
        self.field(1, "gas_seen", process.gas_seen, 0);
        self.field(1, "words_seen", process.words_seen, 0);
        let maximum = process.stack_maximum;
        self.field(1, "stack_maximum", maximum, STACK_MAXIMUM);
        let usual = capacity(STACK_INCLUDED, process.stack.len(), maximum);
        self.field(1, "stack_capacity", process.stack_capacity, usual);
        let usual = capacity(FRAMES_INCLUDED, process.frames.len(), maximum / 2);
        self.field(1, "frame_capacity", process.frame_capacity, usual);
        let usual = capacity(KEYS_INCLUDED, process.keys.len(), keys_max());
        self.field(1, "key_capacity", process.key_capacity, usual);
        self.words(1, "stack", &process.stack);
        if !process.frames.is_empty() {
            self.line(1, "frames {");
            for frame in process.frames.iter() {
                self.line(2, format_args!("frame {}, {}, {}", frame.return_index, frame.base, frame.typ));
            }
            self.line(1, "}");
        }
        if !process.data.is_empty() {
            self.data(1, "data", &process.data);
        }
        let own = Key { object: number, rights: Rights::OWN, gate: 0, seal: 0 };
        if process.keys[..] != [Some(own)] {
            self.keys(1, "keys", &process.keys, Some(own));
        }
        self.line(0, "}");
    }

    /// A list of keys, in which `own` need not be written into the first slot.
    fn keys(&mut self, indent: usize, head: &str, keys: &[Option<Key>], own: Option<Key>) {
        self.line(indent, format_args!("{head} {{"));
        let last = keys.last();
        // Where the last is null, and where none is left to default, the length is to be said.
        if matches!(last, Some(None)) || (keys.is_empty() && own.is_some()) {
            self.line(indent + 1, format_args!("slots {}", keys.len()));
        }
        for (slot, &key) in keys.iter().enumerate() {
            let usual = if slot == 0 { own } else { None };
            if key != usual {
                let key = self.key(key);
                self.line(indent + 1, format_args!("{slot}: {key}"));
            }
        }
        self.line(indent, "}");
    }

    /// Words as a block of data, unless there are none and the block has no name of its own.
    fn words(&mut self, indent: usize, head: &str, words: &[u64]) {
        if words.is_empty() && indent > 0 {
            return;
        }
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        self.data(indent, head, &bytes);
    }

    /// A block of data: text as strings, runs of zeros by their length, the rest as words.
    fn data(&mut self, indent: usize, head: &str, bytes: &[u8]) {
        self.line(indent, format_args!("{head} {{"));
        let (words, rest) = bytes.as_chunks::<8>();
        let mut at = 0;
        while at < words.len() {
            let left = &words[at..];
            let zeros = run(left, |word| *word == [0; 8]);
            let texts =
                run(&left[..left.len().min(WORDS_PER_STRING)], |word| word.iter().all(|&byte| is_text(byte)));
            if zeros > 1 {
                self.line(indent + 1, format_args!("zero {}", zeros * 8));
                at += zeros;
            } else if texts > 0 {
                at += self.string(indent + 1, left, texts);
            } else {
                let plain = |word: &[u8; 8]| !word.iter().all(|&byte| is_text(byte));
                let mut count = run(&left[..left.len().min(WORDS_PER_LINE)], plain);
                // A run of zeros is better left to itself.
                while count > 1 && left[count - 1] == [0; 8] && left.get(count) == Some(&[0; 8]) {
                    count -= 1;
                }
                let numbers: Vec<_> =
                    left[..count].iter().map(|&word| number(u64::from_le_bytes(word))).collect();
                self.line(indent + 1, format_args!("u64 {}", numbers.join(", ")));
                at += count;
            }
        }
        if !rest.is_empty() {
            let numbers: Vec<_> = rest.iter().map(u8::to_string).collect();
            self.line(indent + 1, format_args!("u8 {}", numbers.join(", ")));
        }
        self.line(indent, "}");
    }

    /// A string that begins with `texts` words of text; how many words it holds.
    fn string(&mut self, indent: usize, left: &[[u8; 8]], texts: usize) -> usize {
        let mut bytes = left[..texts].concat();
        let mut words = texts;
        // The end of the text, with the zeros behind it.
        if texts < WORDS_PER_STRING
            && let Some(next) = left.get(texts)
        {
            let end = run(next, |&byte| is_text(byte));
            if end > 0 && next[end..].iter().all(|&byte| byte == 0) {
                bytes.extend(next);
                words += 1;
            }
        }
        let mut string = String::new();
        quote(&mut string, &String::from_utf8_lossy(&bytes));
        self.line(indent, string);
        words
    }
}

/// Words that stand as numbers on one line of data.
const WORDS_PER_LINE: usize = 4;

/// Words of text that stand in one string.
const WORDS_PER_STRING: usize = 10;

/// How many items there are at the beginning that are so.
fn run<T>(items: &[T], is_so: impl Fn(&T) -> bool) -> usize {
    items.iter().take_while(|item| is_so(item)).count()
}

fn is_text(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\n' | b'\t')
}

fn number(word: u64) -> String {
    if word < 65_536 { word.to_string() } else { format!("{word:#x}") }
}

/// Appends a string literal.
fn quote(text: &mut String, string: &str) {
    text.push('"');
    for c in string.chars() {
        match c {
            '\n' => text.push_str("\\n"),
            '\t' => text.push_str("\\t"),
            '\r' => text.push_str("\\r"),
            '\0' => text.push_str("\\0"),
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            c if c.is_control() => text.push_str(&c.escape_unicode().to_string()),
            c => text.push(c),
        }
    }
    text.push('"');
}
