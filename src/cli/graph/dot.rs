//! The drawing in the language of Graphviz. `dot -Tsvg` lays it out anew, `neato -n2 -Tsvg` keeps our layout.

use super::layout::{HEIGHT, Layout};
use super::model::{Graph, Style};
use keyvm::isa::layout::Kind;
use std::fmt::Write;

/// What each drawing begins with, so that it can be told from others.
pub(super) const START: &str = "digraph \"Keys in ";

/// Writes the drawing.
pub(super) fn write(graph: &Graph, layout: &Layout, name: &str) -> String {
    let mut text = String::new();
    let mut line = |line: std::fmt::Arguments<'_>| {
        // Writing into a string does not fail.
        let _ = writeln!(text, "{line}");
    };
    line(format_args!("{START}{} {{", &quote(name)[1..]));
    line(format_args!("  rankdir=LR"));
    line(format_args!("  node [fontname=monospace fontsize=11 shape=box style=filled fillcolor=white]"));
    line(format_args!("  edge [fontname=monospace fontsize=9]"));
    for (node, place) in graph.nodes.iter().zip(&layout.places) {
        let label = [&node.title, &node.detail].map(String::as_str).join("\n");
        let label = quote(label.trim_end());
        // Graphviz counts upwards, in points, from the middle of a node.
        let (x, y) = (place.x + place.width / 2.0, layout.height - place.y);
        let (width, height) = (place.width / 72.0, HEIGHT / 72.0);
        let colour = colour(node.kind);
        line(format_args!(
            "  o{} [label={label} fillcolor=\"{colour}\" pos=\"{x:.1},{y:.1}\" width={width:.2} height={height:.2}]",
            node.number
        ));
    }
    for arrow in &graph.arrows {
        let (from, to) = (graph.nodes[arrow.from].number, graph.nodes[arrow.to].number);
        let style = match arrow.style {
            Style::Call => "color=\"#2456a6\"",
            Style::Key => "color=\"#5d8a4d\"",
            Style::Gate => "color=\"#a6537a\"",
            Style::Meter => "color=\"#b09a2e\" style=dotted constraint=false",
        };
        let (label, title) = (quote(&arrow.label), quote(&arrow.title));
        line(format_args!("  o{from} -> o{to} [label={label} tooltip={title} {style}]"));
    }
    line(format_args!("}}"));
    text
}

const fn colour(kind: Kind) -> &'static str {
    match kind {
        Kind::Process => "#dbe9ff",
        Kind::Host => "#ffd9c2",
        Kind::Meter => "#fff3b8",
        Kind::Data => "#e6f5dc",
        Kind::Code => "#dcefee",
        Kind::Keys => "#ece0f8",
        Kind::Gate => "#f6d6e3",
        Kind::Brand => "#e4e4e4",
    }
}

fn quote(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("\"{escaped}\"")
}
