//! What is left of large objects: their memory goes back to the host a piece at a time.

use super::object::{Body, Content, Workspace};
use super::progress::Work;
use keyvm_isa::code::CodeVectors;
use std::fmt::Debug;

/// Bytes given back at once; what is smaller goes at once.
const PIECE_BYTES: usize = 1 << 16;

/// Memory of objects that are gone.
#[derive(Debug, Default)]
pub(crate) struct Remains(Vec<Box<dyn Shed>>);

/// Memory that can be given back in pieces.
trait Shed: Debug + Send + Sync {
    /// Gives a piece back; says whether nothing is left.
    fn shed(&mut self) -> bool;
}

impl<T: Copy + Debug + Send + Sync> Shed for Vec<T> {
    fn shed(&mut self) -> bool {
        // What lies behind the length was never written.
        self.truncate(self.len().saturating_sub(PIECE_BYTES / size_of::<T>()));
        self.shrink_to_fit();
        self.is_empty()
    }
}

impl Remains {
    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes over what is left of an object.
    pub(crate) fn take(&mut self, body: Body) {
        match body {
            Body::Data(content) => self.content(*content),
            Body::Keys(keys) => self.vector(keys),
            Body::Process(process) => {
                self.workspace(process.workspace);
                self.vector(process.keys);
            }
            Body::Code(page) => {
                if let Some(page) = std::sync::Arc::into_inner(page) {
                    self.code(page.code.into_vectors());
                }
            }
            Body::Meter(_) | Body::CallMeter(_) | Body::Gate { .. } | Body::Brand | Body::Host(_) => {}
        }
    }

    /// Takes over what a process computed with.
    pub(super) fn workspace(&mut self, workspace: Workspace) {
        self.content(workspace.data);
        self.vector(workspace.stack);
        self.vector(workspace.frames);
    }

    pub(crate) fn content(&mut self, content: Content) {
        self.vector(content.into_bytes());
    }

    /// Takes over what an instruction had put together in vain.
    pub(super) fn work(&mut self, work: Option<Work>) {
        if let Some(Work::Seal(Some(builder))) = work {
            self.code(builder.into_vectors());
        }
    }

    fn code(&mut self, (words, normal, types, switches): CodeVectors) {
        self.vector(words);
        self.vector(normal);
        self.vector(types);
        self.vector(switches);
    }

    fn vector<T: Copy + Debug + Send + Sync + 'static>(&mut self, vector: Vec<T>) {
        if vector.len() > PIECE_BYTES / size_of::<T>() {
            self.0.push(Box::new(vector));
        }
    }

    /// Gives one piece back.
    pub(crate) fn shed(&mut self) {
        if self.0.last_mut().is_some_and(|last| last.shed()) {
            self.0.pop();
        }
    }
}
