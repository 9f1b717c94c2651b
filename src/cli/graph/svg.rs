//! The drawing as SVG: one file, complete in itself.

use super::layout::{HEIGHT, Layout, MARGIN, Place, shown_label, text_width};
use super::model::{Arrow, Graph, Style};
use keyvm::isa::layout::Kind;
use std::fmt::Write;

const STYLE: &str = "\
text{font-family:monospace;font-size:11px;fill:#222}
.head{font-size:15px}.detail{fill:#555}
rect{stroke:#444;stroke-width:1}
.process{fill:#dbe9ff}.host{fill:#ffd9c2}.meter{fill:#fff3b8}.data{fill:#e6f5dc}.code{fill:#dcefee}.keys{fill:#ece0f8}.gate{fill:#f6d6e3}.brand{fill:#e4e4e4}
.root{stroke-width:2.5}
path{fill:none;stroke-width:1.2}
.call{stroke:#2456a6}.key{stroke:#5d8a4d}.through{stroke:#a6537a}.pays{stroke:#b09a2e;stroke-dasharray:2 3}
.cross{opacity:.45}
.label{font-size:10px;fill:#333;stroke:#fff;stroke-width:3px;paint-order:stroke;stroke-linejoin:round}
.small{font-size:8px;fill:#777}
g:hover>path{opacity:1;stroke-width:2.5}
";

/// What each drawing begins with, so that it can be told from others.
pub(super) const START: &str = "<svg id=\"keyvm-graph\"";

/// Kinds in the order of the legend.
const KINDS: [Kind; 8] =
    [Kind::Process, Kind::Host, Kind::Meter, Kind::Data, Kind::Code, Kind::Keys, Kind::Gate, Kind::Brand];

/// Writes the drawing.
pub(super) fn write(graph: &Graph, layout: &Layout, name: &str) -> String {
    let mut svg = Svg { text: String::new() };
    let width = layout.width.max(760.0);
    let height = layout.height;
    svg.line(format_args!(
        "{START} xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {width:.0} {height:.0}\">"
    ));
    svg.line(format_args!("<style>\n{STYLE}</style>"));
    svg.line("<defs>");
    for (class, colour) in
        [("call", "#2456a6"), ("key", "#5d8a4d"), ("through", "#a6537a"), ("pays", "#b09a2e")]
    {
        svg.line(format_args!(
            "<marker id=\"{class}\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"7\" \
             markerHeight=\"7\" orient=\"auto\"><path d=\"M0 0L8 4L0 8z\" style=\"fill:{colour};stroke:none\"/></marker>"
        ));
    }
    svg.line("</defs>");
    svg.line("<rect width=\"100%\" height=\"100%\" style=\"fill:#fff;stroke:none\"/>");
    svg.head(graph, name);
    // What crosses lies below the branches, and both below the nodes.
    for crossing in [true, false] {
        for (arrow, &branch) in graph.arrows.iter().zip(&layout.branches) {
            if branch != crossing {
                svg.arrow(arrow, layout, branch);
            }
        }
    }
    for (index, (node, place)) in graph.nodes.iter().zip(&layout.places).enumerate() {
        let root = if index == 0 { " root" } else { "" };
        let (x, y, width) = (place.x, place.y - HEIGHT / 2.0, place.width);
        let radius = if node.kind == Kind::Process { 8 } else { 1 };
        let kind = node.kind.name();
        svg.line(format_args!(
            "<g id=\"o{}\"><rect class=\"{kind}{root}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" \
             height=\"{HEIGHT}\" rx=\"{radius}\"/>",
            node.number
        ));
        let middle = if node.detail.is_empty() { 21.0 } else { 14.0 };
        svg.words("", x + 8.0, y + middle, &node.title);
        svg.words("detail", x + 8.0, y + 27.0, &node.detail);
        svg.line("</g>");
    }
    svg.line("</svg>");
    svg.text
}

struct Svg {
    text: String,
}

impl Svg {
    fn line(&mut self, line: impl std::fmt::Display) {
        // Writing into a string does not fail.
        let _ = writeln!(self.text, "{line}");
    }

    fn words(&mut self, class: &str, x: f64, y: f64, words: &str) {
        if !words.is_empty() {
            let words = escape(words);
            self.line(format_args!("<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{words}</text>"));
        }
    }

    fn head(&mut self, graph: &Graph, name: &str) {
        let processes = graph.nodes.iter().filter(|node| node.kind == Kind::Process).count();
        let processes = crate::cli::text::count(processes as u64, "process", "processes");
        self.words("head", MARGIN, 20.0, &format!("Keys in {name}: {processes}"));
        let mut x = MARGIN;
        for kind in KINDS {
            if graph.nodes.iter().any(|node| node.kind == kind) {
                let class = kind.name();
                self.line(format_args!(
                    "<rect class=\"{class}\" x=\"{x:.1}\" y=\"30\" width=\"11\" height=\"11\"/>"
                ));
                self.words("", x + 16.0, 39.5, class);
                x += 84.0;
            }
        }
    }

    fn arrow(&mut self, arrow: &Arrow, layout: &Layout, branch: bool) {
        let (from, to) = (layout.places[arrow.from], layout.places[arrow.to]);
        let class = match arrow.style {
            Style::Call => "call",
            Style::Key => "key",
            Style::Gate => "through",
            Style::Meter => "pays",
        };
        let cross = if branch { "" } else { " cross" };
        let title = escape(&arrow.title);
        self.line("<g>");
        if !title.is_empty() {
            self.line(format_args!("<title>{title}</title>"));
        }
        let label = shown_label(&arrow.label);
        // A branch runs straight under its label; what crosses keeps beside the branches.
        let straight = if branch && !label.is_empty() { text_width(&label) + 14.0 } else { 0.0 };
        let curve = if branch { curve(from, to, straight) } else { curve(lowered(from), lowered(to), 0.0) };
        let d = curve.path();
        let rest = if straight > 0.0 { format!("H{:.1}", to.x) } else { String::new() };
        self.line(format_args!(
            "<path class=\"{class}{cross}\" marker-end=\"url(#{class})\" d=\"{d}{rest}\"/>"
        ));
        if branch {
            self.words("label", to.x - straight + 4.0, to.y - 3.0, &label);
        } else {
            let (x, y) = curve.at(0.4);
            self.words("label small", x, y, &label);
        }
        self.line("</g>");
    }
}

/// A cubic curve.
struct Curve([(f64, f64); 4]);

/// A place as it is for arrows that keep below the branches.
const fn lowered(place: Place) -> Place {
    Place { y: place.y + HEIGHT / 4.0, ..place }
}

/// From a node to another: out of the side where the other is, and into the side from which it comes, ending `before` it.
fn curve(from: Place, to: Place, before: f64) -> Curve {
    let right = |place: Place| place.x + place.width;
    let (start, end, out, into) = match from.layer.cmp(&to.layer) {
        std::cmp::Ordering::Less => (right(from), to.x - before, 1.0, -1.0),
        std::cmp::Ordering::Equal => (right(from), right(to), 1.0, 1.0),
        std::cmp::Ordering::Greater => (from.x, right(to), -1.0, 1.0),
    };
    let bend = match from.layer.cmp(&to.layer) {
        std::cmp::Ordering::Equal => 30.0,
        _ => ((end - start).abs() / 2.0).max(30.0),
    };
    Curve([(start, from.y), (start + out * bend, from.y), (end + into * bend, to.y), (end, to.y)])
}

impl Curve {
    fn path(&self) -> String {
        let [a, b, c, d] = self.0;
        format!("M{:.1} {:.1}C{:.1} {:.1} {:.1} {:.1} {:.1} {:.1}", a.0, a.1, b.0, b.1, c.0, c.1, d.0, d.1)
    }

    /// The point that divides the curve so.
    fn at(&self, t: f64) -> (f64, f64) {
        let [a, b, c, d] = self.0;
        let u = 1.0 - t;
        let mix = |a: f64, b: f64, c: f64, d: f64| {
            u * u * u * a + 3.0 * u * u * t * b + 3.0 * u * t * t * c + t * t * t * d
        };
        (mix(a.0, b.0, c.0, d.0), mix(a.1, b.1, c.1, d.1))
    }
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            c => escaped.push(c),
        }
    }
    escaped
}
