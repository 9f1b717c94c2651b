//! The parser's part for everything around code: declarations, data, keys, fields.

use super::ast::{DataBlock, DataItem, Decl, DeclBody, File, KeyBlock, KeyExpr, Name, ObjectRef};
use super::lex::Token;
use super::parse::{Parsed, Parser};
use super::parse_fields::once;
use super::say;
use keyvm_isa::Rights;

/// The words that begin a declaration of an object.
pub(crate) const OBJECTS: [&str; 10] =
    ["host", "page", "keys", "meter", "gate", "brand", "callmeter", "code", "rawcode", "process"];

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
            ("const", Token::Ident | Token::Dotted) if self.peek_ahead(2) == Token::Equals => {
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
            (kind, Token::Ident | Token::Dotted) if OBJECTS.contains(&kind) => {
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
                    "text" => {
                        let name = this.new_name("the name of the text")?;
                        match this.string() {
                            Ok((bytes, _)) => DataItem::Named(name, bytes),
                            Err(reported) => {
                                this.broken.push(name);
                                return Err(reported);
                            }
                        }
                    }
                    "data" if this.peek() == Token::OpenBlock => return this.data_items(block),
                    _ => return Err(this.report(say::unknown_data(&name.span, name.text, &DATA_ITEMS))),
                });
                Ok(())
            })
        })
    }

    /// `{ slots N  I: KEY … }`
    pub(super) fn key_block(&mut self) -> Parsed<KeyBlock<'s>> {
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
    pub(super) fn key(&mut self) -> Parsed<Option<KeyExpr<'s>>> {
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

const DATA_ITEMS: [&str; 11] =
    ["u8", "u16", "u32", "u64", "f64", "f32", "zero", "align", "words", "label", "text"];
