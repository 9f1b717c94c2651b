mod errors;
pub(crate) mod hostile;
mod shape;
mod show;
