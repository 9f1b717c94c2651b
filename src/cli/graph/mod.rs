//! `keyvm graph`: draws who holds keys to whom.
//!
//! [`model`] says what is drawn, [`layout`] where, [`svg`] and [`dot`] how it is written down.

mod dot;
mod layout;
mod model;
mod svg;

use super::exit::{Exit, Failure, warn};
use super::input::{machine, show};
use super::output::{Written, check_target, write_file};
use super::survey::Survey;
use clap::Args;
use layout::Layout;
use model::Graph;
use std::path::PathBuf;

/// Draw the key graph: who can call or reach whom.
///
/// Processes, pages, meters, gates, brands and hosts are nodes. A key is an arrow from who holds it to what it names, with
/// its slot and rights. The drawing grows from the root process to the right: whoever made an object stands before it.
/// Left out are each process's key 0, to itself, keys that mean nothing any more, the pages of running code, and the
/// meters of calls.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The image, or an assembly file, which is drawn as it begins.
    file: PathBuf,
    /// Where to draw it: OUT.svg, or OUT.dot for Graphviz.
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,
}

const EXAMPLES: &str = "\
Examples:
  keyvm graph stranger.blob -o keys.svg
  keyvm run examples/replicate.kasm --gas 3000 --snapshot tree.blob    then: keyvm graph tree.blob -o tree.svg";

/// Browsers show drawings of more nodes than this slowly, or not at all.
const SVG_NODES_MAX: usize = 3000;

pub(super) fn execute(arguments: &Arguments) -> Result<Exit, Failure> {
    let Arguments { file, output } = arguments;
    let (write, start, nodes_max): (fn(&_, &_, &_) -> _, _, _) = match output.extension() {
        Some(end) if end.eq_ignore_ascii_case("svg") => (svg::write, svg::START, SVG_NODES_MAX),
        Some(end) if end.eq_ignore_ascii_case("dot") => (dot::write, dot::START, usize::MAX),
        _ => {
            let message = "the name has to end in .svg or .dot, which says how to draw";
            return Err(Failure::about(show(output), message));
        }
    };
    let mut machine = machine(file)?;
    let drawing = Written { name: "a drawing of this command", start: start.as_bytes() };
    check_target(output, file, drawing, false)?;
    let image = machine.image();
    let graph = Graph::of(&Survey::new(&image));
    let name = file.file_name().map(std::path::Path::new).map_or_else(String::new, show);
    write_file(output, &write(&graph, &Layout::of(&graph), &name))?;
    let (nodes, arrows) = (graph.nodes.len(), graph.arrows.len());
    if nodes > nodes_max {
        warn(format_args!(
            "{}: {nodes} nodes and {arrows} arrows are much for a browser; \
             with -o {} Graphviz or other tools draw them",
            show(output),
            show(&output.with_extension("dot"))
        ));
    }
    Ok(Exit::Done)
}
