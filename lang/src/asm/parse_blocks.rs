//! The parser's part for everything around code: declarations, data, keys, fields.

use super::ast::{
    CallExpr, DataBlock, DataItem, Decl, DeclBody, File, ImageFields, KeyBlock, KeyExpr, LinkExpr,
    MeterFields, Name, ObjectRef, ProcessFields, RequestFields,
};
use super::lex::{Span, Token};
use super::parse::{Parsed, Parser};
use super::say;
use keyvm_isa::{Rights, Status, Trap};

/// The words that begin a declaration of an object.
pub(crate) const OBJECTS: [&str; 10] =
    ["host", "page", "keys", "meter", "gate", "brand", "callmeter", "code", "rawcode", "process"];

/// Sets a field that may be written once.
fn once<T>(parser: &mut Parser<'_>, field: &mut Option<T>, span: &Span, value: T) -> Parsed<()> {
    if field.is_some() {
        let text = parser.source[span.clone()].to_owned();
        return Err(parser.report(say::twice(span, &text)));
    }
    *field = Some(value);
    Ok(())
}

impl<'s> Parser<'s> {
    pub(crate) fn file(&mut self) -> File<'s> {
        let mut file = File::default();
        loop {
            match self.peek() {
                Token::End => return file,
                Token::Newline => {
                    self.bump();
                }
                Token::CloseBlock => {
                    let span = self.bump();
                    self.report(say::stray_close(&span));
                }
                _ => {
                    if self.top_level(&mut file).is_err() {
                        self.recover();
                    }
                }
            }
        }
    }

    fn top_level(&mut self, file: &mut File<'s>) -> Parsed<()> {
        let (text, behind) = (self.text(), self.peek_ahead(1));
        if self.peek() != Token::Ident {
            return self.main_statement(file);
        }
        match (text, behind) {
            ("const", Token::Ident) if self.peek_ahead(2) == Token::Equals => {
                self.bump();
                let name = self.new_name("the name of the constant")?;
                self.bump();
                match self.expr() {
                    Ok(value) => file.constants.push((name, value)),
                    Err(reported) => {
                        self.broken.push(name);
                        return Err(reported);
                    }
                }
            }
            ("random", Token::Number) => {
                let span = self.bump();
                let seed = self.expr()?;
                once(self, &mut file.random, &span, (seed, span.clone()))?;
            }
            ("data", Token::OpenBlock) => {
                let span = self.bump();
                let block = self.data_block()?;
                once(self, &mut file.data, &span, (block, span.clone()))?;
            }
            ("image", Token::OpenBlock) => {
                file.full = true;
                let span = self.bump();
                let fields = self.image_fields()?;
                once(self, &mut file.image, &span, fields)?;
            }
            ("chain", Token::OpenBlock) => {
                let span = self.bump();
                let links = self.links()?;
                once(self, &mut file.chain, &span, links)?;
            }
            ("request", Token::OpenBlock) => {
                let span = self.bump();
                let fields = self.request_fields()?;
                once(self, &mut file.request, &span, fields)?;
            }
            (kind, Token::Ident) if OBJECTS.contains(&kind) => {
                file.full |= kind == "process";
                self.bump();
                let name = self.new_name("the name of the object")?;
                match self.declaration(kind, name.clone()) {
                    Ok(declaration) => file.declarations.push(declaration),
                    Err(reported) => {
                        self.broken.push(name);
                        return Err(reported);
                    }
                }
            }
            _ => return self.main_statement(file),
        }
        match self.peek() {
            Token::Newline | Token::End => Ok(()),
            _ => Err(self.unexpected("the end of the line")),
        }
    }

    fn main_statement(&mut self, file: &mut File<'s>) -> Parsed<()> {
        file.main_position.get_or_insert(file.declarations.len());
        self.statement(&mut file.main)
    }

    // ---- Declarations -----------------------------------------------------------------------------------

    /// `KIND NAME #NUMBER under METER …`
    fn declaration(&mut self, kind: &str, name: Name<'s>) -> Parsed<Decl<'s>> {
        let number = if self.eat(Token::Hash) { Some(self.small_expr()?) } else { None };
        let mut under = None;
        let body = match kind {
            "host" => {
                let host = if self.peek() == Token::String { Some(self.string()?) } else { None };
                self.under(&mut under)?;
                DeclBody::Host(host)
            }
            "page" => {
                self.under(&mut under)?;
                DeclBody::Page(self.data_block()?)
            }
            "code" => {
                self.under(&mut under)?;
                DeclBody::Code(self.code_block()?)
            }
            "rawcode" => {
                self.under(&mut under)?;
                DeclBody::RawCode(self.data_block()?)
            }
            "keys" => {
                self.under(&mut under)?;
                DeclBody::Keys(self.key_block()?)
            }
            "meter" => {
                self.under(&mut under)?;
                DeclBody::Meter(Box::new(self.meter_fields(&mut under)?))
            }
            "callmeter" => {
                self.under(&mut under)?;
                self.call_meter(&mut under)?
            }
            "gate" => {
                self.under(&mut under)?;
                let mut parent = None;
                self.maybe_block(|this, field, span| match field {
                    "parent" => {
                        let object = this.object_ref()?;
                        once(this, &mut parent, span, object)
                    }
                    _ => Err(this.unknown_field(span, &["parent"])),
                })?;
                DeclBody::Gate(parent)
            }
            "brand" => {
                self.under(&mut under)?;
                self.maybe_block(|this, _, span| Err(this.unknown_field(span, &[])))?;
                DeclBody::Brand
            }
            _ => {
                self.under(&mut under)?;
                DeclBody::Process(Box::new(self.process_fields(&mut under)?))
            }
        };
        Ok(Decl { name, number, under, body })
    }

    fn under(&mut self, under: &mut Option<ObjectRef<'s>>) -> Parsed<()> {
        if self.at_word("under") {
            let span = self.bump();
            let meter = self.object_ref()?;
            once(self, under, &span, meter)?;
        }
        Ok(())
    }

    /// `{ FIELD … }`: calls `field` with the name of each field and its place.
    fn fields(&mut self, mut field: impl FnMut(&mut Self, &'s str, &Span) -> Parsed<()>) -> Parsed<()> {
        self.block(|this| {
            let name = this.name("the name of a field")?;
            field(this, name.text, &name.span)
        })
    }

    /// As [`Self::fields`], if there is a block at all.
    fn maybe_block(&mut self, field: impl FnMut(&mut Self, &'s str, &Span) -> Parsed<()>) -> Parsed<()> {
        if self.peek() == Token::OpenBlock { self.fields(field) } else { Ok(()) }
    }

    fn unknown_field(&mut self, span: &Span, fields: &[&str]) -> super::parse::Reported {
        let text = self.source[span.clone()].to_owned();
        self.report(say::unknown_field(span, &text, fields))
    }

    fn call_meter(&mut self, under: &mut Option<ObjectRef<'s>>) -> Parsed<DeclBody<'s>> {
        let (mut callee, mut own_words) = (None, None);
        self.fields(|this, field, span| match field {
            "under" => {
                let meter = this.object_ref()?;
                once(this, under, span, meter)
            }
            "callee" => {
                let object = this.object_ref()?;
                once(this, &mut callee, span, object)
            }
            "own_words" => {
                let words = this.expr()?;
                once(this, &mut own_words, span, words)
            }
            _ => Err(this.unknown_field(span, &["under", "callee", "own_words"])),
        })?;
        Ok(DeclBody::CallMeter { callee, own_words })
    }

    fn meter_fields(&mut self, under: &mut Option<ObjectRef<'s>>) -> Parsed<MeterFields<'s>> {
        const FIELDS: [&str; 8] =
            ["under", "gas_used", "gas_limit", "words_limit", "rent_used", "rent_limit", "stopped", "keeper"];
        let mut meter = MeterFields::default();
        self.fields(|this, field, span| {
            let number = match field {
                "gas_used" => &mut meter.gas_used,
                "gas_limit" => &mut meter.gas_limit,
                "words_limit" => &mut meter.words_limit,
                "rent_used" => &mut meter.rent_used,
                "rent_limit" => &mut meter.rent_limit,
                "stopped" => return once(this, &mut meter.stopped, span, ()),
                "keeper" => {
                    let key = this.key()?;
                    return once(this, &mut meter.keeper, span, key);
                }
                "under" => {
                    let object = this.object_ref()?;
                    return once(this, under, span, object);
                }
                _ => return Err(this.unknown_field(span, &FIELDS)),
            };
            let value = this.expr()?;
            once(this, number, span, value)
        })?;
        Ok(meter)
    }

    fn process_fields(&mut self, meter: &mut Option<ObjectRef<'s>>) -> Parsed<ProcessFields<'s>> {
        let mut process = ProcessFields::default();
        self.fields(|this, field, span| this.process_field(&mut process, meter, field, span))?;
        Ok(process)
    }

    fn process_field(
        &mut self,
        process: &mut ProcessFields<'s>,
        meter: &mut Option<ObjectRef<'s>>,
        field: &str,
        span: &Span,
    ) -> Parsed<()> {
        let number = match field {
            "index" => &mut process.index,
            "progress" => &mut process.progress,
            "stack_capacity" => &mut process.stack_capacity,
            "stack_maximum" => &mut process.stack_maximum,
            "frame_capacity" => &mut process.frame_capacity,
            "key_capacity" => &mut process.key_capacity,
            "random" => &mut process.random,
            "message_words" => &mut process.message_words,
            "message_keys" => &mut process.message_keys,
            "amount" => &mut process.amount,
            "gas_seen" => &mut process.gas_seen,
            "words_seen" => &mut process.words_seen,
            "standing" => return once(self, &mut process.standing, span, ()),
            "stopped" => return once(self, &mut process.stopped, span, ()),
            "code" => {
                let object = self.object_ref()?;
                return once(self, &mut process.code, span, object);
            }
            "callee" => {
                let object = self.object_ref()?;
                return once(self, &mut process.callee, span, object);
            }
            "meter" | "under" => {
                let object = self.object_ref()?;
                return once(self, meter, span, object);
            }
            "keeper" => {
                let key = self.key()?;
                return once(self, &mut process.keeper, span, key);
            }
            "status" => {
                let name = self.name("a status")?;
                let status = Status::from_name(name.text).ok_or_else(|| {
                    self.report(say::unknown_status(&name.span, name.text, Status::ALL.iter().map(|s| s.1)))
                })?;
                return once(self, &mut process.status, span, status);
            }
            "trap" => {
                let name = self.name("a trap")?;
                let trap = Trap::from_name(name.text).ok_or_else(|| {
                    self.report(say::unknown_trap(&name.span, name.text, Trap::ALL.iter().map(|t| t.1)))
                })?;
                return once(self, &mut process.trap, span, trap);
            }
            "stack" => {
                let block = self.data_block()?;
                return once(self, &mut process.stack, span, block);
            }
            "data" => {
                let block = self.data_block()?;
                return once(self, &mut process.data, span, block);
            }
            "keys" => {
                let block = self.key_block()?;
                return once(self, &mut process.keys, span, block);
            }
            "frames" => {
                let mut frames = Vec::new();
                self.fields(|this, field, span| match field {
                    "frame" => {
                        let numbers = this.list(Self::expr)?;
                        if numbers.len() != 3 {
                            let span = span.start..this.end();
                            return Err(this.report(say::wrong_frame(&span)));
                        }
                        frames.push(numbers);
                        Ok(())
                    }
                    _ => Err(this.unknown_field(span, &["frame"])),
                })?;
                return once(self, &mut process.frames, span, frames);
            }
            "suspended" => {
                let call = self.call(&["recurse", "invoke"], |this| this.list(Self::expr))?;
                return once(self, &mut process.suspended, span, call);
            }
            _ => return Err(self.unknown_field(span, &PROCESS_FIELDS)),
        };
        let value = self.expr()?;
        once(self, number, span, value)
    }

    /// One of `ways`: `recurse GAS, WORDS`, `invoke` or `keeper`
    fn call(
        &mut self,
        ways: &[&str],
        amounts: impl FnOnce(&mut Self) -> Parsed<Vec<super::ast::Expr<'s>>>,
    ) -> Parsed<CallExpr<'s>> {
        let start = self.span().start;
        let name = self.name(&say::any_of(ways))?;
        match name.text {
            text if !ways.contains(&text) => Err(self.report(say::unknown_call(&name.span, text, ways))),
            "invoke" => Ok(CallExpr::Invoke),
            "keeper" => Ok(CallExpr::Keeper),
            _ => {
                let amounts = amounts(self)?;
                if amounts.len() != 2 {
                    let span = start..self.end();
                    return Err(self.report(say::wrong_recurse(&span)));
                }
                Ok(CallExpr::Recurse(amounts))
            }
        }
    }

    fn image_fields(&mut self) -> Parsed<ImageFields<'s>> {
        let mut image = ImageFields::default();
        self.fields(|this, field, span| match field {
            "next" => {
                let number = this.expr()?;
                once(this, &mut image.next, span, number)
            }
            "prime" => {
                let object = this.object_ref()?;
                once(this, &mut image.prime, span, object)
            }
            "root" => {
                let object = this.object_ref()?;
                once(this, &mut image.root, span, object)
            }
            _ => Err(this.unknown_field(span, &["next", "prime", "root"])),
        })?;
        Ok(image)
    }

    /// `{ PROCESS invoke  PROCESS keeper  PROCESS recurse METER, GAS, WORDS }`
    fn links(&mut self) -> Parsed<Vec<LinkExpr<'s>>> {
        let mut links = Vec::new();
        self.block(|this| {
            let process = this.object_ref()?;
            let mut meter = None;
            let call = this.call(&["recurse", "invoke", "keeper"], |this| {
                meter = Some(this.object_ref()?);
                this.expect(Token::Comma, "`,` and the gas")?;
                this.list(Self::expr)
            })?;
            links.push(LinkExpr { process, meter, call });
            Ok(())
        })?;
        Ok(links)
    }

    fn request_fields(&mut self) -> Parsed<RequestFields<'s>> {
        let mut request = RequestFields::default();
        self.fields(|this, field, span| match field {
            "host" => {
                let object = this.object_ref()?;
                once(this, &mut request.host, span, object)
            }
            "words" => {
                let block = this.data_block()?;
                once(this, &mut request.words, span, block)
            }
            "keys" => {
                let block = this.key_block()?;
                once(this, &mut request.keys, span, block)
            }
            _ => Err(this.unknown_field(span, &["host", "words", "keys"])),
        })?;
        Ok(request)
    }

    // ---- Data and keys ----------------------------------------------------------------------------------

    pub(crate) fn data_block(&mut self) -> Parsed<DataBlock<'s>> {
        let mut block = DataBlock { id: self.data_blocks, items: Vec::new() };
        self.data_blocks += 1;
        self.data_items(&mut block)?;
        Ok(block)
    }

    fn data_items(&mut self, block: &mut DataBlock<'s>) -> Parsed<()> {
        self.deeper(|this| {
            this.block(|this| {
                if this.peek() == Token::String {
                    let (bytes, _) = this.string()?;
                    block.items.push(DataItem::Text(bytes));
                    return Ok(());
                }
                let name = this.name("an item of data")?;
                block.items.push(match name.text {
                    "u8" => DataItem::Whole(1, this.list(Self::expr)?),
                    "u16" => DataItem::Whole(2, this.list(Self::expr)?),
                    "u32" => DataItem::Whole(4, this.list(Self::expr)?),
                    "u64" => DataItem::Whole(8, this.list(Self::expr)?),
                    "f64" => DataItem::F64(this.list(Self::expr)?),
                    "f32" => DataItem::F32(this.list(Self::expr)?),
                    "zero" => DataItem::Zero(this.expr()?),
                    "align" => DataItem::Align(this.expr()?),
                    "words" => DataItem::Words(this.expr()?),
                    "label" => DataItem::Label(this.new_name("the name of the place")?),
                    "data" if this.peek() == Token::OpenBlock => return this.data_items(block),
                    _ => return Err(this.report(say::unknown_data(&name.span, name.text, &DATA_ITEMS))),
                });
                Ok(())
            })
        })
    }

    /// `{ slots N  I: KEY … }`
    fn key_block(&mut self) -> Parsed<KeyBlock<'s>> {
        let mut block = KeyBlock::default();
        self.block(|this| {
            if this.at_word("slots") {
                let span = this.bump();
                let slots = this.expr()?;
                return once(this, &mut block.slots, &span, slots);
            }
            let slot = this.expr()?;
            this.expect(Token::Colon, "`:` and a key")?;
            let key = this.key()?;
            block.entries.push((slot, key));
            Ok(())
        })?;
        Ok(block)
    }

    /// `OBJECT(right|right) via GATE sealed BRAND`, or `null`
    fn key(&mut self) -> Parsed<Option<KeyExpr<'s>>> {
        if self.at_word("null") {
            self.bump();
            return Ok(None);
        }
        let object = self.object_ref()?;
        self.expect(Token::Open, "the key's rights in parentheses, such as `(read|write)` or `(all)`")?;
        let rights = self.spanning(|this| {
            let mut bits = 0;
            while this.peek() != Token::Close {
                let name = this.name("a right")?;
                let known = Rights::NAMED.iter().find(|right| right.1 == name.text).map(|right| right.0);
                bits |= match (name.text, known) {
                    (_, Some(right)) => right.bits(),
                    ("all", _) => Rights::ALL.bits(),
                    ("own", _) => Rights::OWN.bits(),
                    ("none", _) => 0,
                    _ => return Err(this.report(say::unknown_right(&name.span, name.text))),
                };
                if !this.eat(Token::Or) && this.peek() != Token::Close {
                    return Err(this.unexpected("`|` or `)`"));
                }
            }
            this.bump();
            Ok(Rights::from_bits(bits.into()))
        })?;
        let mut key = KeyExpr { object, rights, gate: None, seal: None };
        if self.at_word("via") {
            self.bump();
            key.gate = Some(self.object_ref()?);
        }
        if self.at_word("sealed") {
            self.bump();
            key.seal = Some(self.object_ref()?);
        }
        Ok(Some(key))
    }

    /// `NAME`, `#NUMBER`, or `none`
    pub(crate) fn object_ref(&mut self) -> Parsed<ObjectRef<'s>> {
        if self.eat(Token::Hash) {
            return Ok(ObjectRef::Number(self.small_expr()?));
        }
        let name = self.name("the name of an object, or `#` and its number")?;
        Ok(if name.text == "none" { ObjectRef::None } else { ObjectRef::Name(name) })
    }
}

const DATA_ITEMS: [&str; 10] = ["u8", "u16", "u32", "u64", "f64", "f32", "zero", "align", "words", "label"];

const PROCESS_FIELDS: [&str; 26] = [
    "code",
    "meter",
    "standing",
    "stopped",
    "status",
    "index",
    "progress",
    "stack",
    "stack_capacity",
    "stack_maximum",
    "frames",
    "frame_capacity",
    "data",
    "keys",
    "key_capacity",
    "random",
    "message_words",
    "message_keys",
    "trap",
    "amount",
    "keeper",
    "callee",
    "suspended",
    "gas_seen",
    "words_seen",
    "under",
];
