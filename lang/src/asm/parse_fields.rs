//! The parser's part for the fields of meters, processes and of the image as a whole.

use super::ast::{
    CallExpr, DeclBody, Expr, ImageFields, LinkExpr, MeterFields, ObjectRef, ProcessFields, RequestFields,
};
use super::lex::{Span, Token};
use super::parse::{Parsed, Parser, Reported};
use super::say;
use keyvm_isa::{Status, Trap};

/// Sets a field that may be written once.
pub(super) fn once<T>(parser: &mut Parser<'_>, field: &mut Option<T>, span: &Span, value: T) -> Parsed<()> {
    if field.is_some() {
        let text = parser.source[span.clone()].to_owned();
        return Err(parser.report(say::twice(span, &text)));
    }
    *field = Some(value);
    Ok(())
}

impl<'s> Parser<'s> {
    /// `{ FIELD … }`: calls `field` with the name of each field and its place.
    pub(super) fn fields(
        &mut self,
        mut field: impl FnMut(&mut Self, &'s str, &Span) -> Parsed<()>,
    ) -> Parsed<()> {
        self.block(|this| {
            let name = this.name("the name of a field")?;
            field(this, name.text, &name.span)
        })
    }

    /// As [`Self::fields`], if there is a block at all.
    pub(super) fn maybe_block(
        &mut self,
        field: impl FnMut(&mut Self, &'s str, &Span) -> Parsed<()>,
    ) -> Parsed<()> {
        if self.peek() == Token::OpenBlock { self.fields(field) } else { Ok(()) }
    }

    pub(super) fn unknown_field(&mut self, span: &Span, fields: &[&str]) -> Reported {
        let text = self.source[span.clone()].to_owned();
        self.report(say::unknown_field(span, &text, fields))
    }

    pub(super) fn call_meter(&mut self, under: &mut Option<ObjectRef<'s>>) -> Parsed<DeclBody<'s>> {
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

    pub(super) fn meter_fields(&mut self, under: &mut Option<ObjectRef<'s>>) -> Parsed<MeterFields<'s>> {
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

    pub(super) fn process_fields(&mut self, meter: &mut Option<ObjectRef<'s>>) -> Parsed<ProcessFields<'s>> {
        let mut process = ProcessFields::default();
        self.fields(|this, field, span| this.process_field(&mut process, meter, field, span))?;
        Ok(process)
    }

    pub(super) fn process_field(
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
            "caller" => {
                let object = self.object_ref()?;
                return once(self, &mut process.caller, span, object);
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
    pub(super) fn call(
        &mut self,
        ways: &[&str],
        amounts: impl FnOnce(&mut Self) -> Parsed<Vec<Expr<'s>>>,
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

    pub(super) fn image_fields(&mut self) -> Parsed<ImageFields<'s>> {
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
    pub(super) fn links(&mut self) -> Parsed<Vec<LinkExpr<'s>>> {
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

    pub(super) fn request_fields(&mut self) -> Parsed<RequestFields<'s>> {
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
}

const PROCESS_FIELDS: [&str; 27] = [
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
    "caller",
    "suspended",
    "gas_seen",
    "words_seen",
    "under",
];
