mod errors;
mod hostile;
mod shape;
mod show;
